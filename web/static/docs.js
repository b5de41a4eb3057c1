/** The interface to read and to try, from its description. */

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

// What Swagger UI leaves out for keys and screen readers, by what it draws.
const MISSING = {
  ".information-container section": (section) => {
    section.ariaLabel = "Description"; // it is outside of the main part
  },
  "h3, h4, h5": (heading) => heading.setAttribute("aria-level", heading.tagName[1] - 1), // under its h1 is no h2
  "[data-param-name] :is(select, input)": (field) => {
    field.ariaLabel = field.closest("tr").dataset.paramName;
  },
  "input[type=file]": (field) => {
    field.ariaLabel = "The image file";
  },
  ".response img": (image) => {
    image.alt = "The answer";
  },
  "table[role=region]": (table) => {
    table.ariaLabel = `Responses of ${table.closest(".opblock").querySelector("[data-path]").dataset.path}`;
  },
  pre: (part) => {
    part.tabIndex = 0; // it scrolls where it is wide
  },
};
const ui = document.getElementById("ui");
new MutationObserver(() => {
  for (const [selector, add] of Object.entries(MISSING)) ui.querySelectorAll(selector).forEach(add);
}).observe(ui, { childList: true, subtree: true });

window.SwaggerUIBundle({
  url: "openapi.json",
  domNode: ui,
  syntaxHighlight: { theme: "tomorrow-night" }, // the default's numbers are hard to read
  validatorUrl: null, // would send the description to a server elsewhere
});
