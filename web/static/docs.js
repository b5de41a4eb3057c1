/** The API documentation, by Swagger UI. */

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

// Attributes for keyboards and screen readers that Swagger UI lacks, by selector.
const MISSING = {
  ".information-container section": (section) => {
    section.ariaLabel = "Description"; // it is outside the main landmark
  },
  "h3, h4, h5": (heading) => heading.setAttribute("aria-level", heading.tagName[1] - 1), // there is no h2
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
  ".modal-ux": (box) => {
    [box.role, box.ariaModal, box.ariaLabel] = ["dialog", "true", "API key"];
  },
  ".modal-ux h6": (heading) => heading.setAttribute("aria-level", 4), // below an h4, which has level 3
  ".modal-ux .close-modal": (button) => {
    button.ariaLabel = "Close the dialog";
  },
  ".modal-ux input": (field) => {
    field.ariaLabel = "API key";
  },
  pre: (part) => {
    part.tabIndex = 0; // wide ones scroll
  },
};
const ui = document.getElementById("ui");
new MutationObserver(() => {
  for (const [selector, add] of Object.entries(MISSING)) ui.querySelectorAll(selector).forEach(add);
}).observe(ui, { childList: true, subtree: true });

document.addEventListener("keydown", ({ key }) => key === "Escape" && ui.querySelector(".close-modal")?.click());

window.SwaggerUIBundle({
  url: "openapi.json",
  domNode: ui,
  syntaxHighlight: { theme: "tomorrow-night" }, // the default has too little contrast
  persistAuthorization: false, // a key is forgotten with the page
  validatorUrl: null, // the default sends the description to an external server
});
