// Shows times in the zone of whoever looks. Without this they are in UTC, and say so.
const parts = { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" };
const format = new Intl.DateTimeFormat(document.documentElement.lang, parts);
for (const time of document.querySelectorAll("time[data-local]")) {
  const at = new Date(time.dateTime);
  if (!Number.isNaN(at.getTime())) time.textContent = format.format(at);
}
