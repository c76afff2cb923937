"""Names under which applications in many languages keep what we have a field for, without case, spaces, `_` and `-`.

The order of the names is the order of preference: of two columns that may both be a question, the earlier name wins.
"""

from __future__ import annotations

import unicodedata

_WORDS = {
    "question": (
        "question userquestion userinput userprompt userquery usermessage usertext prompt query studentsaid studentmessage "
        "humanmessage input inputtext instruction utterance ask asked request frage eingabe pregunta pergunta domanda demande soru "
        "pertanyaan prashna sawal vopros вопрос प्रश्न கேள்வி 问题 提问 質問 질문 سؤال message messages text"
    ),
    "answer": (
        "answer modelanswer botreply botresponse botmessage botanswer airesponse aimessage assistantmessage assistantresponse "
        "llmresponse modelresponse modeloutput response reply completion output outputtext generatedtext generation tutorsaid "
        "tutorreply antwort ausgabe respuesta resposta risposta reponse cevap yanit jawaban uttar jawab otvet ответ उत्तर பதில் "
        "回答 答案 応答 답변 جواب"
    ),
    "occurred_at": (
        "occurredat timestamp createdat created createtime creationtime creationdate datetime ts time eventtime loggedat "
        "askedat requesttime requestedat starttime startedat sentat date zeitstempel zeit datum erstelltam fecha fechahora "
        "datahora horario criadoem creele horodatage tarih zaman waktu tanggal samay время дата समय 时间 日時 시간 data"
    ),
    "rating": (
        "rating userrating stars score userscore feedbackscore satisfaction csat ratingvalue bewertung sterne calificacion "
        "puntuacion valoracion estrellas avaliacao estrelas nota note etoiles valutazione voto stelle puan penilaian bintang "
        "оценка रेटिंग 评分 評価"
    ),
    "thumbs": (
        "thumbs thumb thumbsup userfeedback feedback feedbackvalue liked like ishelpful washelpful helpful vote upvote "
        "upvoted isgood label goodanswer goodresponse isuseful isliked hilfreich gefallen util utile meinung megusta 反馈 daumen "
        "pulgar polegar reaction rated"
    ),
    "user_id": (
        "userid uid studentid learnerid customerid memberid accountid enduserid enduser user username useremail email student "
        "who fromid author clientid pupil pupilid learner schueler schuelerid alumno alumnoid eleve aluno siswa chhatra "
        "nutzer nutzerid benutzer benutzerid usuario usuarioid idusuario utilisateur utente kullanici "
        "pengguna пользователь 用户 用户id ユーザー"
    ),
    "conversation_id": (
        "conversationid sessionid sessionkey chatkey "
        "chatid threadid dialogid dialogueid convid roomid session conversation chat thread dialog "
        "gespraech gespraechid sitzung sesion sesionid sessao conversacion conversa oturum percakapan 会话 会话id"
    ),
    "interaction_id": (
        "interactionid messageid requestid responseid eventid recordid logid rowid uuid id nr no number lfdnr numero"
    ),
    "turn": ("turn turnnumber turnindex turnid messageindex position n turnno"),
    "language": ("language lang locale languagecode sprache idioma langue lingua dil bahasa 语言"),
    "subject": ("subject course fach materia matiere asignatura disciplina ders mapel vishay 科目"),
    "topic": ("topic chapter thema tema theme kapitel konu topik"),
    "grade": ("grade gradelevel class classlevel klasse grado niveau sinif kelas kaksha 年级"),
    "system_prompt": ("systemprompt systemmessage system persona instructions"),
    "context": ("context contexts retrievedcontext passage documents kontext contexto contexte input inputtext"),
    "history": ("history chathistory conversationhistory previousmessages verlauf historial historico"),
    "model": ("model modelname modelid llm engine modell modelo modele 模型"),
    "adapter_version": ("adapterversion adapter lora"),
    "experiment_arm": ("experimentarm arm variant variantname abgroup experimentgroup"),
    "response_time_ms": (
        "took elapsed responsetimems responsetime latencyms latency "
        "durationms duration elapsedms elapsed processingtimems processingtime "
        "tookms ms dauer dauerms duracion duree latencyseconds durationseconds responseseconds latencys seconds sekunden"
    ),
    "time_to_first_token_ms": ("timetofirsttokenms timetofirsttoken ttftms ttft firsttokenms"),
    "retries": ("retries retrycount attempts"),
    "error": ("error errormessage exception fehler erreur errore erro"),
    "finish_reason": ("finishreason stopreason"),
    "complaint_category": ("complaintcategory complaint complainttype feedbackreason beschwerde queja"),
    "complaint_text": ("complainttext feedbacktext feedbackcomment comment kommentar comentario commentaire"),
    "edited_answer": ("editedanswer correctedanswer correction korrektur correccion"),
    "reference_answer": ("referenceanswer groundtruth expectedanswer expectedoutput gold goldanswer"),
    "question_id": ("questionid exerciseid itemid problemid"),
    "relevance_score": ("relevancescore relevance relevanz"),
    "team": ("team teamid tenant tenantid organization organisation org school department"),
    "task": ("task tasktype usecase"),
}
_SPEAKERS = {
    "question": (
        ("user", "student", "pupil", "learner", "human", "child", "customer"),
        ("question", "message", "input", "query", "prompt", "text", "said", "asks", "asked"),
    ),
    "answer": (
        ("model", "ai", "bot", "chatbot", "assistant", "tutor", "teacher", "llm", "agent"),
        ("answer", "reply", "response", "message", "output", "text", "said", "says"),
    ),
}
_SAID = {
    field: [f"{who}{what}" for who in speakers for what in words] for field, (speakers, words) in _SPEAKERS.items()
}
NAMES: dict[str, tuple[str, ...]] = {
    field: tuple(dict.fromkeys((*words.split(), *_SAID.get(field, ())))) for field, words in _WORDS.items()
}
"""Field of ours -> names of columns that may hold it."""
GENERIC = (
    "text",
    "name",
    "value",
    "body",
    "content",
    "string",
    "str",
    "number",
    "num",
    "nr",
    "no",
    "id",
    "field",
    "col",
    "raw",
)
"""Ends that say nothing more of a column: `question text`, `turn_no`."""
UNITS = ("milliseconds", "millis", "ms", "seconds", "secs", "sec", "s", "ns", "us")
"""Ends of the names of durations."""


def plain_name(name: str) -> str:
    """A name without case, spaces, signs and accents of Latin letters."""
    bare = unicodedata.normalize("NFKD", name) if name.isascii() or _is_latin(name) else name
    return "".join(letter for letter in bare.lower() if letter.isalnum() or unicodedata.category(letter) == "Mc")


def _is_latin(name: str) -> bool:
    return all(unicodedata.name(letter, "").startswith("LATIN") for letter in name if letter.isalpha())
