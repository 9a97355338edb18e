import { facts, timeline } from "./call.js";
import { caller, dayTime, el, foreign, length, line } from "./dom.js";

// A mail is written up to a minute after the voicemail appears; much later, none will be.
const MAIL_EXPECTED = 10 * 60_000;

// pending says whether something about a voicemail is still to come.
export function pending(v) {
  return v.audio === "PENDING" || v.transcription === "PENDING" || v.deliveries.some((d) => d.state === "PENDING") ||
    (v.deliveries.length === 0 && Date.now() - Date.parse(v.receivedAt) < MAIL_EXPECTED);
}

// voicemailItem is a voicemail in the list. Its player stays in place through updates, so that they never cut off the sound;
// freshLink asks for a new signed link when the one at hand no longer plays.
export function voicemailItem(freshLink) {
  const head = el("header");
  const player = el("audio", { controls: "", preload: "none" });
  const sound = el("p", { class: "quiet" });
  const words = el("div");
  const mails = el("ul", { class: "mails quiet" });
  const inside = el("div", { class: "inside" });
  const details = el("details", null, el("summary", null, "Timeline of the call"), inside);
  const element = el("li", null, el("article", { class: "card voicemail" }, head, player, sound, words, mails, details));

  let mended = 0;
  player.addEventListener("error", async () => {
    const since = Date.now() - mended;
    mended = Date.now();
    const link = since > 60_000 ? await freshLink() : null;
    if (!link) return say("The audio can’t be played right now.", "bad");
    const at = player.currentTime;
    player.src = here(link);
    player.currentTime = at;
    player.play().catch(() => {});
  });

  function say(text, tone = "") {
    sound.textContent = text;
    sound.className = "quiet " + tone;
    sound.hidden = !text;
  }

  return {
    element,
    update(v) {
      head.replaceChildren(
        el("h3", null, foreign(caller(v.from))),
        el("p", { class: "quiet" }, dayTime(v.receivedAt), " · " + length(v.durationSeconds)),
        el("p", { class: "quiet to" }, "to ", line(v.number)));
      player.hidden = !v.audioURL;
      player.setAttribute("aria-label", "Voicemail from " + caller(v.from));
      if (v.audioURL && !player.hasAttribute("src")) player.src = here(v.audioURL);
      say(...audioState(v));
      words.replaceChildren(transcript(v));
      mails.replaceChildren(...v.deliveries.map(delivery));
      details.hidden = !v.call;
      if (v.call) inside.replaceChildren(facts(v.call), timeline(v.call));
    },
    markNew() {
      element.classList.add("arrived");
      head.parentElement.prepend(el("span", { class: "badge new" }, "New"));
    },
  };
}

// Links are signed for the service's public address, but the page may be open under another name of it, such as localhost.
function here(link) {
  const { pathname, search } = new URL(link, document.baseURI);
  const at = pathname.lastIndexOf("/recordings/");
  return at < 0 ? link : pathname.slice(at + 1) + search;
}

function audioState(v) {
  switch (v.audio) {
    case "STORED": return [""];
    case "PENDING": return ["The audio follows: it is still being fetched."];
    case "FAILED": return ["The audio could not be fetched" + because(v.audioError), "bad"];
    case "DELETED": return ["The audio was deleted."];
    default: return [v.audio];
  }
}

function transcript(v) {
  if (v.transcript) return el("blockquote", { class: "transcript", dir: "auto" }, v.transcript);
  switch (v.transcription) {
    case "OFF": return el("p", { class: "quiet" }, "No transcript for this number.");
    case "PENDING": return el("p", { class: "quiet" }, v.transcriptionError ? "The transcript is tried again" + because(v.transcriptionError) : "The transcript is being written…");
    case "FAILED": return el("p", { class: "quiet" }, "There is no transcript" + because(v.transcriptionError));
    default: return el("p", { class: "quiet" }, "The transcript is empty.");
  }
}

function delivery(d) {
  const recipient = foreign(d.recipient);
  switch (d.state) {
    case "DELIVERED": return el("li", null, "Mailed to ", recipient, ...(d.deliveredAt ? [", ", dayTime(d.deliveredAt)] : []));
    case "FAILED": return el("li", { class: "bad" }, "The mail to ", recipient, " could not be delivered", because(d.lastError));
    default: return el("li", null, "The mail to ", recipient, " is on its way",
      d.attempts > 0 ? ` (tried ${d.attempts === 1 ? "once" : d.attempts + " times"}${d.lastError ? ": " + d.lastError : ""}).` : ".");
  }
}

const because = (reason) => (reason ? ": " + reason : ".");
