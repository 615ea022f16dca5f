package main

// stops are functions of the page's: what the Tab key comes to, and what an element is
// called.
const stops = `
  const stops = () => [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')]
    .filter(e => e.tabIndex >= 0 && e.type !== 'hidden' && e.checkVisibility());
  const nameOf = e => (e.getAttribute('aria-label') || e.labels && [...e.labels].map(l => l.innerText).join(' ') ||
    e.innerText || e.textContent || '').trim();
`

// contrast is a function of the page's: texts and drawings that are hard to see, by the
// contrast ratio of WCAG 2.2.
const contrast = `
  const rgb = c => (c.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const light = c => {
    const [r, g, b] = c.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const over = (a, b) => [0, 1, 2].map(i => a[i] * (a[3] ?? 1) + b[i] * (1 - (a[3] ?? 1)));
  const behind = e => {
    const layers = [];
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      layers.push(c);
      if ((c[3] ?? 1) === 1) break;
    }
    return layers.reverse().reduce((below, c) => over(c, below), [255, 255, 255]);
  };
  const ratio = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((m, n) => n - m);
    return (x + 0.05) / (y + 0.05);
  };
  const faint = () => {
    const found = [];
    const judge = (e, says, colour, least) => {
      const below = behind(e), got = ratio(over(rgb(colour), below), below);
      if (got < least) found.push(says.trim().slice(0, 60) + ': ' + colour + ' on ' + below + ' is ' + got.toFixed(2));
    };
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const e = walk.currentNode.parentElement, says = walk.currentNode.data;
      if (!says.trim() || !e.checkVisibility() || e.tagName === 'title') continue;
      const s = getComputedStyle(e);
      judge(e, says, e instanceof SVGElement ? s.fill : s.color, 4.5);
      for (const part of ['::before', '::after']) {
        const p = getComputedStyle(e, part);
        if (p.content !== 'none' && p.content !== 'normal') judge(e, part + ' of ' + says, p.color, 3);
      }
    }
    for (const e of document.querySelectorAll('rect'))
      if (e.checkVisibility()) judge(e, 'rect.' + e.getAttribute('class'), getComputedStyle(e).fill, 3);
    return [...new Set(found)];
  };
`
