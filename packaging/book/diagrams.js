// A block of Mermaid's is drawn, with the colours of the theme that the page was opened with.
for (const code of document.querySelectorAll("code.language-mermaid")) {
    const drawing = document.createElement("pre");
    drawing.className = "mermaid";
    drawing.textContent = code.textContent;
    code.parentElement.replaceWith(drawing);
}
const dark = ["ayu", "coal", "navy"].some((theme) => document.documentElement.classList.contains(theme));
mermaid.initialize({ startOnLoad: true, theme: dark ? "dark" : "default" });
