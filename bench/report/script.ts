/** @module */

/**
 * What the page does beyond being read: tips of marks, one method of a legend brought forward, rows
 * opened where a link leads to them, rows as CSV, the section in view marked. Without it the page has
 * everything but these.
 */
export const script: string = `
const tip = document.getElementById("tip");
const hide = () => { tip.hidden = true; };
const show = (mark, x, y) => {
  tip.textContent = mark.getAttribute("data-tip");
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = Math.max(12, Math.min(x + 12, innerWidth - box.width - 12)) + "px";
  tip.style.top = (y + 18 + box.height > innerHeight ? Math.max(4, y - box.height - 12) : y + 18) + "px";
};
const over = (event) => {
  const mark = event.target.closest?.("[data-tip]");
  if (mark) show(mark, event.clientX, event.clientY); else hide();
};
addEventListener("pointermove", over);
addEventListener("pointerdown", over);
addEventListener("scroll", hide, true);
addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
addEventListener("focusin", ({ target }) => {
  if (!target.matches?.("[data-tip]:focus-visible")) return hide();
  const box = target.getBoundingClientRect();
  show(target, box.left, box.bottom - 12);
});
for (const button of document.querySelectorAll(".legend button")) {
  button.addEventListener("click", () => {
    const card = button.closest(".card");
    const was = button.getAttribute("aria-pressed") === "true";
    for (const other of card.querySelectorAll(".legend button")) other.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-pressed", String(!was));
    const method = button.dataset.method;
    for (const mark of card.querySelectorAll("figure svg [data-tip]")) {
      const own = mark.getAttribute("data-tip");
      mark.classList.toggle("faint", !was && own !== method && !own.startsWith(method + ": "));
    }
  });
}
const reveal = () => {
  let place = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!place) return;
  for (let at = place; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  place.scrollIntoView();
};
addEventListener("hashchange", reveal);
reveal();
for (const link of document.querySelectorAll("nav.top a")) {
  link.addEventListener("click", () => { link.closest("details").open = false; });
}
for (const button of document.querySelectorAll(".csv")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const table = button.parentElement.querySelector("table");
    const quote = (cell) => '"' + cell.textContent.replaceAll('"', '""') + '"';
    const text = [...table.rows].map((row) => [...row.cells].map(quote).join(",")).join("\\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text + "\\n"], { type: "text/csv" }));
    link.download = table.dataset.name + ".csv";
    link.click();
    URL.revokeObjectURL(link.href);
  });
}
const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    for (const link of document.querySelectorAll("nav.side a")) {
      if (link.hash === "#" + target.id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }
}, { rootMargin: "-10% 0px -80% 0px" });
for (const section of document.querySelectorAll("main section[id]")) seen.observe(section);
`;
