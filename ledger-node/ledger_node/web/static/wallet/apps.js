// Which app shows this page in a window of its own. Such a window keeps its own memory, which is not that of the phone's
// browser, so a ticket's key that is made there is found there only.

const APPS = [
  [/\bAlipayHK\b/i, "AlipayHK"],
  [/\bAliApp\(|\bAlipayClient\//, "Alipay"],
  [/\bPayMe\b/i, "PayMe"],
  [/\bOctopus\b/i, "Octopus"],
  [/\bMicroMessenger\//, "WeChat"],
  [/\b(FBAN|FBAV|FB_IAB)\b/, "Facebook"],
  [/\bInstagram\b/, "Instagram"],
  [/\bLine\//, "LINE"],
  [/\bWhatsApp\b/, "WhatsApp"],
  [/\bGSA\//, "Google"],
];

// The app's name, "" for one without a name, null for a browser. `onHomeScreen` is a page that iOS shows without one.
export function appOf(agent, onHomeScreen = false) {
  const named = APPS.find(([mark]) => mark.test(agent));
  if (named) return named[1];
  if (/; wv\)/.test(agent)) return "";
  // On iOS every browser says Safari/, also those that are not; a window of an app does not.
  const anApps = /\b(iPhone|iPad|iPod)\b/.test(agent) && /AppleWebKit\//.test(agent) && !/\bSafari\//.test(agent);
  return anApps && !onHomeScreen ? "" : null;
}

export const thisApp = () => appOf(navigator.userAgent, navigator.standalone === true);
