"""What the page says, in Traditional Chinese first and English second: one table a kind, keyed by stable codes.

A title says what is so, `do` what the person at the gate does about it. No text knows a ticket or a person.
"""

from typing import NamedTuple

from scanner.verify.reasons import Reason


class Text(NamedTuple):
    """A title and an instruction, each in both languages."""

    zh_title: str
    en_title: str
    zh_do: str
    en_do: str


_TO_OFFICE = ("請往售票處查詢", "Send the holder to the box office")
_REFRESH = ("請連線後更新門票頁", "Go online and reload the ticket page")
_FRESH = ("請打開門票頁，出示即時二維碼", "Ask for the live code in the ticket page")

REASONS: dict[Reason, Text] = {
    Reason.OK: Text("請進", "Welcome", "請推閘通過", "Walk through the turnstile"),
    Reason.REPEAT: Text(
        "已驗證，請進", "Already checked", "閘機只開一次，請推閘通過", "The gate has opened: walk through"
    ),
    Reason.CLOCK_OFF: Text(
        "手機時間不準",
        "Phone clock is off",
        "請開啟手機的自動設定時間，再掃描",
        "Switch on automatic date and time, then scan",
    ),
    Reason.OLD_CODE: Text(
        "不是即時二維碼",
        "Not a live code",
        "請打開門票頁，出示下一個碼",
        "Open the ticket page, show its next code",
    ),
    Reason.SHOW_FULL_CODE: Text(
        "出示完整二維碼",
        "Show the full code",
        "請按門票頁的「完整二維碼」再掃描",
        "Tap “Full code” in the ticket page, then scan",
    ),
    Reason.WRONG_GATE: Text("閘口不符", "Wrong gate", "請前往以下閘口", "Send the holder to the gate shown"),
    Reason.TOO_EARLY: Text("未到入場時間", "Too early", "請於以下時間再來", "Come back at the time shown"),
    Reason.BEACON_MISSING: Text(
        "未有場館碼",
        "No venue code yet",
        "請先用手機掃描場館碼",
        "Scan the venue code with the phone first",
    ),
    Reason.UPDATE_GATE: Text(
        "閘機軟件太舊", "Gate needs an update", "請改用另一閘機，並通知技術人員", "Use another gate and call support"
    ),
    Reason.ONE_AT_A_TIME: Text("請逐張出示", "One at a time", "每次只出示一個二維碼", "Show one code at a time"),
    Reason.ASK_SUPERVISOR: Text(
        "請通知主管", "Ask a supervisor", "此閘機不能決定，由主管決定", "This gate cannot decide it: a supervisor does"
    ),
    Reason.OTHER_LEASE: Text(
        "請往指定閘口",
        "Use the gate shown",
        "此票只可在以下閘口入場",
        "It may enter only at these gates",
    ),
    Reason.LIST_EXPIRED: Text(
        "名單已過期",
        "Ticket list expired",
        "請通知主管；閘機要連線到帳本",
        "Call a supervisor; the gate must reach the ledger",
    ),
    Reason.NOT_A_CODE: Text("不是門票二維碼", "Not a ticket code", *_FRESH),
    Reason.MALFORMED: Text("二維碼損壞", "Damaged code", *_FRESH),
    Reason.OTHER_EVENT: Text(
        "不是本場門票", "Not for this event", "請核對節目及日期", "Check the event and the date on the ticket"
    ),
    Reason.UNSUPPORTED_VERSION: Text(
        "二維碼版本太舊", "Outdated code", "請更新門票頁後再掃描", "Reload the ticket page, then scan again"
    ),
    Reason.EXPIRED: Text(
        "二維碼已過期",
        "Expired code",
        "截圖？請出示即時二維碼",
        "A screenshot? Ask for the live code",
    ),
    Reason.SCREENSHOT: Text("這是截圖", "This is a screenshot", *_FRESH),
    Reason.FORGED: Text(
        "二維碼無效", "Invalid code", "簽署不符：請通知主管", "The signature is wrong: call a supervisor"
    ),
    Reason.TRANSFERRED: Text("門票已轉手", "Passed on", "此票已屬另一持票人", "The ticket has another holder now"),
    Reason.UNTRUSTED_CERTIFICATE: Text("憑證不獲信任", "Certificate not trusted", *_REFRESH),
    Reason.CERTIFICATE_EXPIRED: Text("憑證已過期", "Certificate expired", *_REFRESH),
    Reason.CERTIFICATE_OLDER: Text("憑證已被取代", "Certificate superseded", *_REFRESH),
    Reason.CANCELLED: Text("門票已取消", "Ticket cancelled", *_TO_OFFICE),
    Reason.REFUNDED: Text("門票已退款", "Ticket refunded", *_TO_OFFICE),
    Reason.BLOCKED: Text("門票已凍結", "Ticket blocked", *_TO_OFFICE),
    Reason.ALREADY_USED: Text("門票已入場", "Already entered", *_TO_OFFICE),
    Reason.EVENT_CANCELLED: Text("節目已取消", "Event cancelled", *_TO_OFFICE),
    Reason.ZONE_CLOSED: Text(
        "此區未開放", "Zone closed", "請等候廣播或查詢職員", "Wait for the announcement or ask staff"
    ),
    Reason.USED_ELSEWHERE: Text("已在別處入場", "Entered elsewhere", *_TO_OFFICE),
}

_SUPPORT = ("請改用另一閘機，並通知技術人員", "Use another gate and call support")

FAULTS: dict[str, Text] = {
    "starting": Text("啟動中", "Starting", "請稍候", "Please wait"),
    "no-snapshot": Text(
        "未有門票名單", "No ticket list yet", "正在下載；請先用另一閘機", "Downloading: use another gate meanwhile"
    ),
    "journal-fault": Text("無法記錄入場", "Cannot record admissions", *_SUPPORT),
    "camera-lost": Text(
        "鏡頭失去連線", "Camera lost", "檢查鏡頭接線；閘機會自動重試", "Check the camera's cable: the gate retries"
    ),
    "camera-frozen": Text(
        "鏡頭停頓", "Camera frozen", "重新插上鏡頭；閘機會自動重試", "Replug the camera: the gate retries"
    ),
    "decoder-died": Text(
        "讀碼程式重啟中", "Reader restarting", "請稍候；如持續請通知技術人員", "Wait; if it stays, call support"
    ),
    "hardware-fault": Text("閘機硬件故障", "Turnstile hardware fault", *_SUPPORT),
    "revoked": Text(
        "此閘機已被撤銷", "This gate was revoked", "不可使用；請通知主管", "Do not use it: call a supervisor"
    ),
    "card-copied": Text(
        "記憶卡有複本",
        "This card was copied",
        "不可使用；請用另一閘機，通知技術人員",
        "Do not use it: use another gate, call support",
    ),
    "defect": Text("程式錯誤", "Software fault", *_SUPPORT),
    "clock-untrusted": Text(
        "時鐘未校準", "Clock not trusted", "可繼續入場；請通知技術人員", "Admissions go on; tell support"
    ),
    "view-too-old": Text(
        "門票名單過舊", "Ticket list too old", "可繼續入場；請通知技術人員", "Admissions go on; tell support"
    ),
    "list-expired": Text("名單已過期：請通知主管", "Ticket list expired: call a supervisor", *_SUPPORT),
}

STATES: dict[str, Text] = {
    "ready": Text("請出示二維碼", "Ready: show your code", "手機屏幕朝向鏡頭", "Hold the screen to the camera"),
    "deciding": Text("核對中", "Checking", "請稍候", "One moment"),
    "passed": Text("已通過", "Passed", "下一位請出示二維碼", "Next person, please"),
    "not-passed": Text("未有通過", "Nobody went through", "請重新掃描同一門票", "Scan the same ticket again"),
    "fire-release": Text("火警開閘", "Fire release", "毋須掃描：請讓所有人離開", "No codes: let everybody out"),
}

MARKS: dict[str, tuple[str, str]] = {
    "time-untrusted": ("時鐘未校準，已註記", "Clock not trusted: marked"),
    "certificate": ("名單以後售出，憑證有效", "Sold after the list: certificate good"),
    "offline-unleased": ("離線放行，已註記", "Admitted offline: marked"),
    "told-elsewhere": ("另一閘機稱已入場，未能核實", "Another gate says it entered: not proven"),
    "view-old": ("名單過舊，已註記", "List too old: marked"),
}
