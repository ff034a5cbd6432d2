"""Every reason why the contract keeps an entry out of the log: a stable code and a sentence in two languages.

Codes are for programs and never change; sentences say what happened and what to do, and may be improved.
"""

from enum import Enum


class Refusal(Enum):
    """A code with its sentences; `Refusal("not-an-entry")` finds one by its code."""

    english: str
    chinese: str

    def __new__(cls, code: str, english: str, chinese: str) -> "Refusal":
        """The code is the value; the sentences hang on it."""
        member = object.__new__(cls)
        member._value_ = code
        member.english = english
        member.chinese = chinese
        return member

    NOT_AN_ENTRY = (
        "not-an-entry",
        "These bytes are not a ledger entry; send what was signed, unchanged.",
        "內容並非帳本記錄；請原封不動傳送已簽署的資料。",
    )
    BAD_SIGNATURE = (
        "bad-signature",
        "The signature does not match the entry and its signer.",
        "簽署與記錄或簽署者不符。",
    )
    UNKNOWN_TYPE = (
        "unknown-type",
        "This ledger has no rule for this type of entry; update the node.",
        "帳本沒有此類記錄的規則；請更新節點。",
    )
    WRONG_SIGNER = (
        "wrong-signer",
        "Only the operator of this ledger may make this entry.",
        "只有帳本營運者可以作出此記錄。",
    )
    MALFORMED_BODY = (
        "malformed-body",
        "A field of the entry is missing, of the wrong kind or out of range.",
        "記錄欄位缺漏、類別錯誤或超出範圍。",
    )
    FROM_THE_FUTURE = (
        "from-the-future",
        "The entry is dated later than now; set the clock of its signer.",
        "記錄日期晚於現在；請校正簽署者的時鐘。",
    )
    BATCH_REFUSED = (
        "batch-refused",
        "Another entry of the same whole was refused, so nothing of it was kept.",
        "同一批次有記錄被拒，整批均未保留。",
    )
    EVENT_EXISTS = (
        "event-exists",
        "An event with this id exists; use another id, or update it.",
        "此活動編號已存在；請使用另一編號或更新活動。",
    )
    UNKNOWN_EVENT = (
        "unknown-event",
        "The ledger has no event with this id; create it first.",
        "帳本沒有此活動；請先建立活動。",
    )
    BAD_MANIFEST = "bad-manifest", "The event's manifest cannot be used.", "活動清單無法使用。"
    WRONG_VERSION = (
        "wrong-version",
        "A new manifest must carry the next version number; read the latest and try again.",
        "新活動清單必須使用下一個版本號；請讀取最新版本後再試。",
    )
    GATE_IN_USE = (
        "gate-in-use",
        "A gate that devices or admissions refer to cannot be taken away.",
        "已有裝置或入場記錄使用的閘口不能移除。",
    )
    OVER_CAPACITY = (
        "over-capacity",
        "More tickets than the event's capacity; raise the capacity first.",
        "門票數目超出活動容量；請先提高容量。",
    )
    INDEX_TAKEN = "index-taken", "A ticket with this index was issued before.", "此門票編號已經發出。"
    UNKNOWN_GATE_GROUP = (
        "unknown-gate-group",
        "The manifest names no gate group with this number.",
        "活動清單沒有此閘口組別。",
    )
    UNKNOWN_GATE = "unknown-gate", "The manifest names no gate with this name.", "活動清單沒有此閘口。"
    BAD_KEY = "bad-key", "This is not a valid Ed25519 public key.", "這不是有效的 Ed25519 公開金鑰。"
    BAD_PROOF = (
        "bad-proof",
        "The proof of possession does not match the key, the ticket and its owner_seq.",
        "持有證明與金鑰、門票及持有人序號不符。",
    )
    UNKNOWN_TICKET = "unknown-ticket", "The event has no ticket with this index.", "活動沒有此門票編號。"
    TICKET_NOT_ACTIVE = (
        "ticket-not-active",
        "The ticket is cancelled, refunded or blocked.",
        "門票已取消、退款或被凍結。",
    )
    TICKET_USED = (
        "ticket-used",
        "The ticket has been used to enter and cannot change hands.",
        "門票已用於入場，不能轉手。",
    )
    WRONG_OWNER_SEQ = (
        "wrong-owner-seq",
        "owner_seq must be the next one; read the ticket and try again.",
        "持有人序號必須為下一個；請讀取門票後再試。",
    )
    OWNER_SEQ_SPENT = (
        "owner-seq-spent",
        "The ticket has changed hands as often as its number can count; issue a new ticket.",
        "門票轉手次數已達上限；請發出新門票。",
    )
    KEY_UNCHANGED = "key-unchanged", "The new owner must bring a key of their own.", "新持有人必須使用自己的新金鑰。"
    STATE_NOT_ALLOWED = (
        "state-not-allowed",
        "The ticket cannot go from its present state to this one.",
        "門票不能由現時狀態轉為此狀態。",
    )
    DEVICE_EXISTS = (
        "device-exists",
        "A device with this id or this key is enrolled; enrol under a new id with a new key.",
        "此裝置編號或金鑰已登記；請以新編號及新金鑰登記。",
    )
    UNKNOWN_DEVICE = (
        "unknown-device",
        "No device with this id and key is enrolled for this event; enrol it first.",
        "此活動沒有登記此裝置及金鑰；請先登記。",
    )
    DEVICE_REVOKED = "device-revoked", "The device was revoked before.", "裝置早已被撤銷。"
    CONFLICT = (
        "conflict",
        "The device has signed another record with this counter; it was set aside, look at the device.",
        "裝置曾以同一計數簽署另一記錄；已擱置，請檢查裝置。",
    )
    NOT_A_DOUBLE_ENTRY = (
        "not-a-double-entry",
        "The record is no unexplained double entry, or was reported before, or the cause is another.",
        "該記錄並非未解釋的重複入場、已經報告或原因不符。",
    )
