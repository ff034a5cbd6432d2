// What the wallet says, in Traditional Chinese and English.

export const TEXTS = {
  switch_language: { zh: "English", en: "中文" },
  free: { zh: "免費", en: "Free of charge" },
  offline: { zh: "離線", en: "Offline" },
  again: { zh: "再試", en: "Try again" },
  back: { zh: "返回", en: "Back" },
  done: { zh: "完成", en: "Done" },

  my_tickets: { zh: "我的門票", en: "My tickets" },
  no_tickets: { zh: "此手機未有門票", en: "No ticket on this phone yet" },
  how_to_begin: {
    zh: "請開啟電郵或短訊內的連結，門票便會存入此手機。",
    en: "Open the link in your e-mail or text message, and your ticket will be here.",
  },
  seat: { zh: "座位", en: "Seat" },
  gate: { zh: "閘口", en: "Gate" },
  any_gate: { zh: "任何閘口", en: "Any gate" },
  category: { zh: "級別", en: "Class" },
  ticket: { zh: "門票", en: "Ticket" },
  doors: { zh: "開門", en: "Doors" },
  starts: { zh: "開始", en: "Starts" },

  state_active: { zh: "有效", en: "Valid" },
  state_entered: { zh: "已入場", en: "Entered" },
  state_cancelled: { zh: "已取消", en: "Cancelled" },
  state_refunded: { zh: "已退款", en: "Refunded" },
  state_blocked: { zh: "已凍結", en: "Blocked" },
  state_gone: { zh: "已轉出", en: "Passed on" },
  state_offered: { zh: "轉讓中", en: "Offered" },
  state_listed: { zh: "放售中", en: "For sale" },
  about_entered: { zh: "於 {time} 由 {gate} 閘入場", en: "Entered at gate {gate} at {time}" },
  about_cancelled: { zh: "此門票已取消，請向票務處查詢。", en: "This ticket is cancelled. Ask the box office." },
  about_refunded: { zh: "此門票已退款，不能入場。", en: "This ticket was refunded and does not admit." },
  about_blocked: { zh: "此門票已凍結，請向票務處查詢。", en: "This ticket is blocked. Ask the box office." },
  about_gone: { zh: "此門票已有新持有人，舊二維碼失效。", en: "Somebody else has this ticket now; its code here is void." },
  remove: { zh: "由此手機移除", en: "Remove from this phone" },
  show_anyway: { zh: "仍要顯示二維碼", en: "Show the code anyway" },
  identity: { zh: "入場時請出示身份證明文件。", en: "Bring your identity document: it is checked at the gate." },

  next_code: { zh: "{n} 秒後更新", en: "New code in {n} s" },
  no_screenshot: { zh: "截圖無效，請在閘口開啟此頁。", en: "A screenshot does not work. Show this page at the gate." },
  brightness: { zh: "請調高螢幕亮度", en: "Turn your screen brightness up" },
  compact: { zh: "一般碼", en: "Usual code" },
  full: { zh: "完整碼", en: "Full code" },
  about_full: {
    zh: "新近轉手的門票，或閘口顯示「請出示完整碼」時使用。",
    en: "For a ticket that is new to you, or when the gate says “show the full code”.",
  },
  certificate_old: {
    zh: "完整碼需要連線更新一次。",
    en: "The full code has to be refreshed online once.",
  },
  works_offline: { zh: "此頁毋須網絡亦可使用。", en: "This page works without network." },
  updated: { zh: "資料更新於 {time}", en: "Last checked at {time}" },
  clock_off: {
    zh: "手機時鐘相差 {n} 秒，二維碼已按伺服器時間校正。請開啟「自動設定時間」。",
    en: "Your phone's clock is {n} s off; the code was put right. Switch on automatic date and time.",
  },
  history: { zh: "公開紀錄", en: "Public history" },
  more: { zh: "轉讓及紀錄", en: "Pass on, history" },

  activate: { zh: "啟動門票", en: "Activate your ticket" },
  activate_count: { zh: "電子門票 {n} 張", en: "E-tickets: {n}" },
  good_until: { zh: "連結有效至 {time}", en: "The link is good until {time}" },
  answer: { zh: "答案", en: "Your answer" },
  tries_left: { zh: "尚可嘗試 {n} 次", en: "{n} tries left" },
  do_activate: { zh: "存入此手機", en: "Put it on this phone" },
  one_phone: {
    zh: "門票只會存於此手機的這個瀏覽器；請用您會帶到會場的手機。",
    en: "The ticket will be in this browser on this phone only: use the phone that you will bring.",
  },
  working: { zh: "處理中…", en: "Working…" },

  problem_offline: { zh: "沒有網絡。請連線後再試。", en: "No network. Connect and try again." },
  problem_other: { zh: "系統未能處理，請稍後再試。", en: "That did not work. Try again later." },
  problem_busy: { zh: "現時人數眾多，請稍候再試。", en: "Many people at once. Try again in a moment." },
  "problem_wrong-answer": { zh: "答案不正確。", en: "That is not the answer." },
  "problem_link-not-good": {
    zh: "此連結無效：已使用、已過期或已被新連結取代。若您未有門票，請向票務處索取新連結。",
    en: "This link is not good: used, expired, or replaced by a newer one. If you have no ticket, ask the ticket office for a new link.",
  },
  "problem_link-locked": {
    zh: "答錯次數過多，連結已鎖定。門票仍屬於您：請聯絡票務處核實身份，以重新開啟連結。",
    en: "Too many wrong answers: the link is locked. The ticket is still yours. Contact the help desk, who will make sure that it is you and open the link again.",
  },
  "problem_too-many-tries": {
    zh: "此網絡嘗試次數過多，請十分鐘後再試。",
    en: "Too many wrong tries from this network. Wait ten minutes.",
  },
  "problem_no-keys": {
    zh: "此瀏覽器太舊，未能建立門票金鑰（需要 WebCrypto Ed25519）。請更新瀏覽器，或改用 Chrome 137、Safari 17、Firefox 129 或更新版本開啟連結。連結仍然有效。",
    en: "This browser is too old to make the ticket's key (it lacks Ed25519 in WebCrypto). Update it, or open the link in Chrome 137, Safari 17, Firefox 129 or newer. The link is still good.",
  },
  problem_insecure: {
    zh: "此頁並非以 https 開啟，未能建立門票金鑰。請使用訊息內的原有連結。",
    en: "This page did not come by https, so no key can be made. Use the link as it was sent.",
  },
  problem_storage: {
    zh: "此瀏覽器不容許儲存門票（例如無痕模式）。請以一般分頁開啟連結。",
    en: "This browser keeps nothing (a private window?). Open the link in an ordinary tab.",
  },
  problem_incomplete: {
    zh: "連結不完整。請再按訊息內的連結。",
    en: "The link is not complete. Tap the one in your message again.",
  },
};
