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
        "Whoever signed this may not make such an entry; have the right one sign it.",
        "簽署者無權作出此記錄；請由有權者簽署。",
    )
    MALFORMED_BODY = (
        "malformed-body",
        "A field of the entry is missing, of the wrong kind or out of range.",
        "記錄欄位缺漏、類型錯誤或超出範圍。",
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
        "An event with this id exists, and stays as it was made; use another id.",
        "此活動編號已存在，內容維持不變；請使用另一編號。",
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
    LEASES_IN_FORCE = (
        "leases-in-force",
        "Gates hold uses of tickets by the version before: this one must pause them until all gates have heard of it.",
        "閘機仍按舊版本持有門票的使用權；新版本須先暫停使用權，直至所有閘機得知。",
    )
    LEASES_UNHEARD = (
        "leases-unheard",
        "These devices have not heard that leases are paused: connect them, or take them out of service.",
        "以下裝置尚未得知使用權已暫停；請連接該裝置，或讓它退出服務。",
    )
    LEASES_PAUSED = (
        "leases-paused",
        "No gate holds uses now, because the event's gates changed: wait until all of them have heard of it.",
        "活動閘口已變更，現時沒有閘機持有使用權；請待所有閘機得知後再試。",
    )
    LEASE_HELD = (
        "lease-held",
        "These devices hold the use and have not given it up: connect them, or take them out of service.",
        "以下裝置持有使用權而尚未交還；請連接該裝置，或讓它退出服務。",
    )
    LEASE_OF_NO_USE = (
        "lease-of-no-use",
        "The ticket does not enter by that gate, so its use is not moved there; choose a gate of its group.",
        "該門票不能經此閘口入場，使用權不能移往該處；請選擇其所屬組別的閘口。",
    )
    OVER_CAPACITY = (
        "over-capacity",
        "More tickets than the event's capacity; raise the capacity first.",
        "門票數目超出活動容量；請先提高容量。",
    )
    INDEX_TAKEN = "index-taken", "A ticket with this index was issued before.", "此門票編號早已發行。"
    UNKNOWN_GATE_GROUP = (
        "unknown-gate-group",
        "The manifest names no gate group with this number.",
        "活動清單沒有此閘口組別。",
    )
    UNKNOWN_GATE = "unknown-gate", "The manifest names no gate with this name.", "活動清單沒有此閘口。"
    BAD_KEY = "bad-key", "This is not a valid Ed25519 public key.", "這不是有效的 Ed25519 公開密鑰。"
    PROOF_NEEDED = (
        "proof-needed",
        "The key that is named must sign that it is its holder's own: update the wallet, or the gate, and try again.",
        "所列密鑰須由其本人簽署證明；請更新錢包或閘機程式後再試。",
    )
    WRONG_RULES = (
        "wrong-rules",
        "The event cannot go by this version of the rules: it never goes back, and a later one needs a newer program.",
        "活動不可採用此版本的規則；版本不可倒退，較新版本須先更新程式。",
    )
    BAD_PROOF = (
        "bad-proof",
        "The proof of possession does not match the key, the ticket and its owner_seq.",
        "持有證明與密鑰、門票及持票人序號不符。",
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
        "持票人序號必須為下一個；請讀取門票後再試。",
    )
    OWNER_SEQ_SPENT = (
        "owner-seq-spent",
        "The ticket has changed hands as often as its number can count; issue a new ticket.",
        "門票轉手次數已達上限；請發行新門票。",
    )
    KEY_UNCHANGED = "key-unchanged", "The new owner must bring a key of their own.", "新持票人必須使用自己的新密鑰。"
    STATE_NOT_ALLOWED = (
        "state-not-allowed",
        "The ticket cannot go from its present state to this one; a refund is final.",
        "門票不能由現時狀態轉為此狀態；退款後不可更改。",
    )
    DEVICE_EXISTS = (
        "device-exists",
        "A device with this id or this key is enrolled; enrol under a new id with a new key.",
        "此裝置編號或密鑰已登記；請以新編號及新密鑰登記。",
    )
    UNKNOWN_DEVICE = (
        "unknown-device",
        "No device with this id and key is enrolled for this event; enrol it first.",
        "此活動沒有登記此裝置及密鑰；請先登記。",
    )
    DEVICE_REVOKED = "device-revoked", "The device was revoked before.", "裝置早已被撤銷。"
    CONFLICT = (
        "conflict",
        "The device has signed another record with this counter: it uses an old copy of its card; enrol it anew.",
        "裝置曾以同一計數簽署另一記錄：正使用記憶卡的舊副本；請重新登記該裝置。",
    )
    NOT_A_DOUBLE_ENTRY = (
        "not-a-double-entry",
        "The record is no unexplained double entry, or was reported before, or the cause is another.",
        "該記錄並非未解釋的重複入場、已經報告或原因不符。",
    )
    SIGNED_TOO_LONG_AGO = (
        "signed-too-long-ago",
        "The entry was signed more than ten minutes ago; sign it again.",
        "記錄於十多分鐘前簽署；請重新簽署。",
    )
    ACTOR_EXISTS = (
        "actor-exists",
        "This actor has a key already, or the key is somebody's; revoke it first, or take a new one.",
        "此機構已有密鑰，或密鑰已屬他人；請先撤銷或另選新密鑰。",
    )
    UNKNOWN_ACTOR = (
        "unknown-actor",
        "No actor with this id and role is registered for the event.",
        "此活動沒有登記此機構及身份。",
    )
    BAD_POLICY = "bad-policy", "The policy cannot be used.", "活動政策無法使用。"
    POLICY_REACHES_BACK = (
        "policy-reaches-back",
        "A policy counts from now or later; set a later time, or none for now.",
        "政策不可追溯生效；請設定較後時間，或不設時間以即時生效。",
    )
    EVENT_NOT_OPEN = "event-not-open", "The event is cancelled or closed.", "活動已取消或結束。"
    BAD_TIMES = "bad-times", "The times do not fit each other, or lie in the past.", "時間互相矛盾或已過去。"
    KEY_SPENT = (
        "key-spent",
        "A key number stands for one key for ever, and a retired key does not come back.",
        "密鑰編號永遠只代表同一密鑰，已棄用的密鑰不能恢復。",
    )
    KEY_IN_USE = (
        "key-in-use",
        "This key is somebody's on this ledger already; make a new one.",
        "此密鑰已在帳本使用；請產生新密鑰。",
    )
    SEAT_TAKEN = (
        "seat-taken",
        "The ticket is sold, held or allotted; choose another.",
        "門票已售出、保留或分配；請另選。",
    )
    SEAT_DOUBLED = (
        "seat-doubled",
        "Another ticket of the event has this seat number; choose another, or 0 for a place without a number.",
        "活動另一張門票已有此座位編號；請另選，或以 0 表示不設編號。",
    )
    NOT_HELD = "not-held", "This hold does not keep the ticket, or no longer.", "此保留並無或不再保留該門票。"
    ORDER_EXISTS = "order-exists", "This order is in the log already; it counts once.", "此訂單已在帳本；只計算一次。"
    WRONG_PRICE = (
        "wrong-price",
        "The price or the fee is not what the policy says at this time.",
        "價格或手續費與現行政策不符。",
    )
    NO_HOLDER = "no-holder", "This ticket has no holder with a key yet.", "門票尚未有持票人登記密鑰。"
    NOT_TO_ACTIVATE = (
        "not-to-activate",
        "Nobody has bought this ticket, or it has a key already.",
        "門票尚未售出，或已有密鑰。",
    )
    DEAL_OPEN = (
        "deal-open",
        "The ticket is offered or listed already; take that back first.",
        "門票已在轉讓或放售；請先撤回。",
    )
    DEAL_GONE = "deal-gone", "This offer or listing is no longer there.", "此轉讓或放售已不存在。"
    DEAL_EXPIRED = "deal-expired", "This offer or listing has run out.", "此轉讓或放售已過期。"
    DEAL_NOT_EXPIRED = "deal-not-expired", "This offer or listing has not run out yet.", "此轉讓或放售尚未過期。"
    BAD_SECRET = (
        "bad-secret",
        "This is not the secret of the invitation; use the link that was sent.",
        "邀請密碼不符；請使用收到的連結。",
    )
    NOT_YET_OPEN = "not-yet-open", "Tickets do not change hands yet.", "門票尚未開放轉手。"
    FROZEN = (
        "frozen",
        "Tickets no longer change hands so close to the opening of the doors.",
        "臨近開門，門票不可再轉手。",
    )
    TOO_MANY_TRANSFERS = (
        "too-many-transfers",
        "The ticket has changed hands as often as the policy allows.",
        "門票轉手次數已達政策上限。",
    )
    TOO_MANY_TICKETS = (
        "too-many-tickets",
        "This person holds as many tickets as the policy allows.",
        "此人持票數目已達政策上限。",
    )
    IDENTITY_NEEDED = (
        "identity-needed",
        "The wallet provider must attest who holds this key first, at the level that the policy asks for.",
        "須先由電子錢包服務商按政策要求核實密鑰持有者身份。",
    )
    IDENTITY_DIFFERS = (
        "identity-differs",
        "The attestation contradicts what the ledger knows, or is older.",
        "身份證明與帳本資料矛盾或較舊。",
    )
    BAD_ATTESTATION = (
        "bad-attestation",
        "This is no attestation of a provider for this event, or it has run out.",
        "這並非此活動電子錢包服務商的有效身份證明，或已過期。",
    )
    ABOVE_CAP = (
        "above-cap",
        "The price is above what the policy allows for this ticket.",
        "價格高於政策對此門票所定上限。",
    )
    RULE_SAYS_NO = "rule-says-no", "A rule of the event's policy does not allow this.", "活動政策的規則不容許此操作。"
    RULE_FAILED = (
        "rule-failed",
        "A rule of the event's policy has no answer here; the organiser must mend it.",
        "活動政策的規則在此無法得出結果；須由主辦機構修正。",
    )
    BAD_RECEIPT = (
        "bad-receipt",
        "This is no receipt of a provider for this event.",
        "這並非此活動電子錢包服務商的收據。",
    )
    WRONG_PAYMENT = (
        "wrong-payment",
        "The receipt is about another payment, amount, sharing or time.",
        "收據的款項、金額、分帳或時間不符。",
    )
    UNKNOWN_PAYMENT = "unknown-payment", "The ledger waits for no such payment.", "帳本並無等待此款項。"
    PAYMENT_PENDING = (
        "payment-pending",
        "A payment for this ticket is still to be captured; try again in a moment.",
        "此門票的款項尚待收取；請稍後再試。",
    )
    OVER_REFUND = "over-refund", "More than was paid for the ticket.", "退款多於已付票款。"
    OVER_SHARE = "over-share", "More tickets than sponsors may have under the policy.", "超出政策容許的贊助商配額。"
    NOT_ALLOTTED = (
        "not-allotted",
        "The ticket is not in this allotment, or a guest has claimed it.",
        "門票不屬此配額，或已被賓客領取。",
    )
    NOT_INSIDE = "not-inside", "Nobody is inside on this admission.", "沒有人憑此入場記錄在場內。"
    NO_RE_ENTRY = "no-re-entry", "This ticket does not allow to leave and enter again.", "此門票不容許離場後再入場。"
    NOT_OVERRIDABLE = (
        "not-overridable",
        "There is no such record of this ticket, or it was decided about before.",
        "此門票沒有該記錄，或早已作出處理。",
    )
