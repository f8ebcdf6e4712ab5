// Live parts of the page, and folders that open in place. Everything works without it, too.
"use strict";

// Parts of the page that changed, as the daemon renders them; names in them are escaped there.
function put(parts) {
  for (const [id, html] of Object.entries(parts)) {
    const place = document.getElementById(id);
    if (!place || place.contains(document.activeElement)) continue;
    place.innerHTML = html;
  }
}

function follow(place) {
  const events = new EventSource(place.dataset.stream);
  events.onmessage = (event) => {
    put(JSON.parse(event.data));
    const waiting = document.querySelector("[data-reload]");
    // A plan that was asked for is there once its command has ended.
    if (waiting && waiting.dataset.reload && !/under way/.test(waiting.textContent)) {
      location.replace(location.pathname);
    }
  };
  addEventListener("pagehide", () => events.close());
}

async function part(address) {
  const answer = await fetch(address, { headers: { accept: "text/html" } });
  if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
  const made = document.createElement("template");
  made.innerHTML = await answer.text();
  return made.content.querySelector("ul.level");
}

async function openFolder(button) {
  const folder = button.closest("li");
  const before = folder.querySelector(":scope > ul.level");
  const open = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!open));
  if (before) {
    before.hidden = open;
    return;
  }
  try {
    const level = await part(button.dataset.level);
    prepare(level);
    folder.append(level);
  } catch {
    location.assign(folder.querySelector("a").href);
  }
}

async function more(link) {
  const address = new URL(link.href);
  address.pathname += "/level";
  const item = link.closest("li");
  const level = await part(address.href);
  prepare(level);
  const next = level.firstElementChild;
  item.replaceWith(...level.children);
  const target = next && next.querySelector("button, a");
  if (target) target.focus();
}

function prepare(place) {
  for (const button of place.querySelectorAll(".toggle")) button.hidden = false;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest(".toggle");
  if (button) openFolder(button);
  const link = event.target.closest(".level .level .more a");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    more(link).catch(() => location.assign(link.href));
  }
});

prepare(document);
for (const place of document.querySelectorAll("[data-stream]")) follow(place);
