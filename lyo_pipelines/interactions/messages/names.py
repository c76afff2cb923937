"""Names under which logs of single messages keep what puts them together, the likeliest first; case and signs do not matter."""

from __future__ import annotations

from functools import lru_cache

_LONGEST = 120

CONVERSATIONS = [
    "conversation_id",
    "conversation_uuid",
    "conversation_sid",
    "conversation_hash",
    "conv_id",
    "conversation",
    "conversation.id",
    "conversations_thread_id",
    "chat_id",
    "chat_uuid",
    "chat",
    "chat.id",
    "thread_id",
    "thread_uuid",
    "thread",
    "thread_ts",
    "thread.id",
    "dialog_id",
    "dialogue_id",
    "dialog",
    "dialogue",
    "discussion_id",
    "message_tree_id",
    "session_id",
    "session_uuid",
    "chat_session_id",
    "session",
    "session.id",
    "sid",
    "room_id",
    "room",
    "ticket_id",
    "case_id",
    "call_id",
    "topic_id",
    "channel_id",
    "sender_id",
]
"""The id of a conversation."""
SPEAKERS = [
    "role",
    "message_role",
    "author_role",
    "sender_role",
    "author.role",
    "from.role",
    "sender_type",
    "sender.type",
    "author_type",
    "author.type",
    "actor_type",
    "role_type",
    "user_type",
    "from_type",
    "participant_type",
    "participant_role",
    "speaker",
    "sender",
    "from",
    "author",
    "who",
    "participant",
    "actor",
    "sent_by",
    "message_from",
    "message_type",
    "obj",
    "type_name",
    "type",
    "source",
    "event",
]
"""Who says a message, in words."""
DIRECTIONS = ("direction", "message_direction")
FLAGS = {
    "assistant": [
        "is_bot",
        "bot",
        "from_bot",
        "is_ai",
        "is_assistant",
        "is_model",
        "by_bot",
        "is_tutor",
        "author.is_bot",
        "author.bot",
        "sender.is_bot",
        "from.is_bot",
        "is_response",
        "is_answer",
    ],
    "user": [
        "is_user",
        "from_user",
        "is_human",
        "is_created_by_user",
        "is_student",
        "is_customer",
        "by_user",
        "is_from_user",
        "is_question",
        "is_inbound",
        "inbound",
        "is_incoming",
        "incoming",
    ],
}
"""Flags of who speaks: true is this one, false the other."""
TEXTS = [
    "content",
    "text",
    "message",
    "body",
    "value",
    "parts",
    "utterance",
    "msg",
    "message_text",
    "content_text",
    "message_content",
    "message_body",
    "text_content",
    "plain_text",
    "raw_text",
    "clean_text",
    "payload.text",
    "data.text",
    "message.text",
    "content.text",
    "text.body",
]
WHOLES = ("message", "data", "payload", "content", "body")
"""Columns that may hold a whole message, as JSON."""
ORDERS = [
    "message_index",
    "msg_index",
    "message_idx",
    "seq",
    "sequence",
    "sequence_number",
    "seq_no",
    "seq_id",
    "message_number",
    "message_no",
    "message_order",
    "ordinal",
    "position",
    "idx",
    "index",
    "order",
    "step",
    "turn_index",
    "turn_idx",
    "turn_identifier",
    "turn_number",
    "turn_no",
    "turn_id",
    "turn",
    "n",
    "i",
    "nr",
    "post_number",
]
"""Numbers that count the messages of a conversation."""
IDS = ("message_id", "message_uuid", "msg_id", "uuid", "id", "_id", "message.id", "event_id")
PARENTS = [
    "parent_id",
    "parent_message_id",
    "parent_message_uuid",
    "parent",
    "reply_to",
    "reply_to_id",
    "in_reply_to",
    "reply_to_message_id",
    "previous_message_id",
    "parent_message",
    "parent_uuid",
    "previous_id",
]
"""The id of the message that one answers or follows."""

ASIDES = frozenset(
    [
        "activity",
        "event",
        "note",
        "notes",
        "title",
        "summary",
        "notification",
        "info",
        "log",
        "status",
        "join",
        "leave",
        "typing",
        "divider",
        "date",
        "feedback",
        "rating",
        "sessionstarted",
        "action",
        "slot",
        "listen",
        "reasoning",
        "reasoningmessage",
        "thinking",
        "thought",
        "thoughts",
        "none",
    ]
)
"""What stands where a speaker is named and is none: such a row is nobody's word."""
SIDES = {
    **dict.fromkeys(("incoming", "inbound", "in", "received", "mo"), "user"),
    **dict.fromkeys(("outgoing", "outbound", "out", "sent", "outboundapi", "outboundreply", "mt"), "assistant"),
}
"""Directions, as the application sees them."""
STAFF = frozenset(
    [
        "admin",
        "operator",
        "staff",
        "humanagent",
        "supportagent",
        "liveagent",
        "teammate",
        "moderator",
        "manager",
        "representative",
    ]
)
"""People who are neither user nor model."""
CUSTOMERS = frozenset(["visitor", "customer", "client", "contact", "guest", "enquirer"])
MACHINES = frozenset(
    [
        "bot",
        "ai",
        "chatbot",
        "assistant",
        "agentbot",
        "automatedagent",
        "llm",
        "model",
        "botmessage",
        "virtualassistant",
        "aiassistant",
    ]
)
KINDS = ("part_type", "message_type", "messageType", "type", "event_type", "kind", "subtype", "content_type")
UNSEEN = frozenset(
    [
        "note",
        "internalnote",
        "internal",
        "privatenote",
        "activity",
        "assignment",
        "notification",
        "title",
        "summary",
        "typing",
        "trace",
        "event",
        "conversationupdate",
        "endofconversation",
        "verbose",
        "followup",
        "suggestion",
        "suggestedquestion",
        "reasoning",
        "reasoningmessage",
    ]
)
"""Kinds of rows that are no message between the two."""


def plain(name: object) -> str:
    """A name, or a word, without case and signs; nothing of what is too long for one."""
    text = str(name)
    return _plain(text) if len(text) <= _LONGEST else ""


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


def plain_path(path: str) -> str:
    """A dotted path without case and signs in its names."""
    return ".".join(map(plain, path.split(".")))
