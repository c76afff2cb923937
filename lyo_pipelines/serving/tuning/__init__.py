"""/v1/files and /v1/fine_tuning/jobs, in the shapes of the OpenAI API. What an upload and a job are here, fine_tuning/ knows."""
