"""What the pages of accounts say, in Traditional Chinese and English."""

from typing import NamedTuple


class Said(NamedTuple):
    """The same in both languages."""

    zh: str
    en: str


TEXTS = {
    "login": Said("登入", "Sign in"),
    "join": Said("設定帳戶", "Set up your account"),
    "account": Said("我的帳戶", "Your account"),
    "passkey": Said("使用通行密鑰登入", "Sign in with a passkey"),
    "make_passkey": Said("建立通行密鑰", "Make a passkey"),
    "about_passkey": Said(
        "以指紋、面容或裝置密碼確認身份，毋須記住密碼。",
        "Your finger, your face or your device's PIN says who you are. There is no password.",
    ),
    "other_way": Said("其他方法", "Another way"),
    "about_code": Said("帳戶名稱、登入密鑰，以及驗證程式的六位數字。", "Name, key, and the six digits of your app."),
    "name": Said("帳戶名稱", "Account name"),
    "key": Said("登入密鑰", "Key"),
    "code": Said("驗證碼", "Code"),
    "use_code": Said("以驗證碼登入", "Sign in with a code"),
    "invited": Said("此邀請屬於", "This invitation is for"),
    "role": Said("身份", "Role"),
    "organisation": Said("機構", "Organisation"),
    "sessions": Said("登入記錄", "Sessions"),
    "since": Said("登入時間", "Since"),
    "seen": Said("最近使用", "Last used"),
    "address": Said("網絡位址", "From"),
    "end": Said("登出", "End"),
    "logout": Said("登出", "Sign out"),
    "more": Said("加入另一個通行密鑰", "Add another passkey"),
    "second": Said("設定驗證程式", "Set up an authenticator app"),
    "about_second": Said(
        "通行密鑰不在身邊時使用。以下只顯示一次：密鑰請妥善保存，設定碼請輸入驗證程式。",
        "For when your passkey is not at hand. Shown once: keep the key safe, type the secret into your app.",
    ),
    "secret": Said("設定碼", "Secret"),
    "open_app": Said("在此裝置的驗證程式開啟", "Open in an app on this device"),
    "confirm": Said("確認", "Confirm"),
    "done": Said("完成。", "Done."),
    "no_script": Said("此頁需要 JavaScript。", "This page needs JavaScript."),
}

PROBLEMS = {
    "not-signed-in": Said(
        "未能登入。請再試，或請管理員重新邀請。", "That did not sign you in. Try again, or ask an operator."
    ),
    "invitation": Said(
        "邀請無效（已使用、過期或不完整）。請索取新的邀請。", "This invitation is not good. Ask for a new one."
    ),
    "too-many-tries": Said(
        "未能登入，而此網絡已多次嘗試失敗。請核對資料；正確的資料會即時接受。",
        "That did not sign you in, like many tries from this network. Check what you give: what is right is taken.",
    ),
    "wrong-code": Said("驗證碼不正確，請檢查手機時間。", "That is not the code. Check the phone's time."),
    "passkey": Said(
        "此通行密鑰未能使用，請再試或改用另一裝置。", "This passkey cannot be used. Try again, or another device."
    ),
    "passkey-needed": Said("請先以通行密鑰登入。", "Sign in with a passkey for this."),
    "cross-site": Said("請由本網站的網址開啟此頁。", "Open this page at the site's own address."),
    "no-passkey": Said(
        "此瀏覽器未有使用通行密鑰，或操作已取消。", "No passkey was used in this browser, or it was cancelled."
    ),
    "other": Said("系統未能處理，請稍後再試。", "That did not work. Try again later."),
}
