import { caller, clockTime, dayTime, el, foreign, length, line } from "./dom.js";

const OUTCOMES = {
  RINGING: ["Ringing", "warn"],
  ANSWERED: ["Answered", "good"],
  VOICEMAIL: ["Voicemail", "accent"],
  MISSED: ["Missed", "warn"],
  REJECTED: ["Rejected", "bad"],
  QUOTA_EXCEEDED: ["Over the plan’s limit", "bad"],
};

export function outcome(call) {
  const [words, tone] = OUTCOMES[call.outcome] ?? [call.outcome, "quiet"];
  return el("span", { class: "badge " + tone }, words);
}

export function timeline(call) {
  if (!call.timeline.length) return el("p", { class: "quiet" }, "Nothing is written down about this call.");
  return el("ol", { class: "timeline" }, ...call.timeline.map((event) => el("li", null,
    clockTime(event.at), el("div", null, el("span", { class: "kind" }, event.kind), el("p", { dir: "auto" }, event.detail)))));
}

export function facts(call) {
  const rows = [
    ["From", foreign(caller(call.from))],
    ["To", call.to],
    ["Outcome", outcome(call)],
    ["Began", dayTime(call.startedAt)],
    ["Ended", call.endedAt ? dayTime(call.endedAt) : "still running"],
    ["Length", call.durationSeconds === null ? "–" : length(call.durationSeconds)],
  ];
  return el("dl", null, ...rows.map(([name, value]) => el("div", null, el("dt", null, name), el("dd", null, value))));
}

// callItem is a call in the list; update shows it anew without closing it, and keeps what it shows as call.
export function callItem() {
  const summary = el("summary");
  const body = el("div", { class: "inside" });
  const element = el("li", { class: "card call" }, el("details", null, summary, body));
  const item = {
    element,
    update(call) {
      item.call = call;
      summary.replaceChildren(
        el("span", { class: "row" }, el("strong", null, foreign(caller(call.from))), outcome(call)),
        el("span", { class: "quiet" }, "to ", line(call.number)),
        el("span", { class: "quiet" }, dayTime(call.startedAt),
          call.durationSeconds === null ? null : " · " + length(call.durationSeconds)));
      body.replaceChildren(timeline(call));
    },
  };
  return item;
}
