"""What people are told, and how it reaches them: e-mail and Slack. Where alerts come from belongs to the sensor in defs/."""
