/* bestow console: small helps on top of pages that work without it. No inline handler, no eval. */
(() => {
  'use strict';
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const home = document.body.dataset.home;

  // What a form has done is said once.
  const address = new URL(location.href);
  if (address.searchParams.has('done')) {
    address.searchParams.delete('done');
    history.replaceState(null, '', address);
  }

  // Dialogs: `command` buttons work by themselves; this is for browsers without them.
  if (!('commandForElement' in HTMLButtonElement.prototype)) {
    document.addEventListener('click', e => {
      const button = e.target.closest('[commandfor]');
      const dialog = button && document.getElementById(button.getAttribute('commandfor'));
      if (!dialog) return;
      if (button.getAttribute('command') === 'show-modal') dialog.showModal(); else dialog.close();
    });
  }
  document.addEventListener('click', e => {
    if (!e.target.closest('[aria-disabled=true]')) return;
    e.preventDefault();
    e.stopImmediatePropagation();
  }, true);
  $$('dialog').forEach(dialog => {
    const ok = $('.df [value=ok]', dialog);
    const ready = () => {
      const typed = $$('[data-match]', dialog).every(x => x.value.replace(/[,\s]/g, '') === x.dataset.match);
      const said = $$('[data-need]', dialog).every(x => x.value.trim());
      if (ok) ok.disabled = !(typed && said);
    };
    if ($('[data-match],[data-need]', dialog)) {
      dialog.addEventListener('input', ready);
      ready();
    }
    dialog.addEventListener('click', e => { if (e.target === dialog) dialog.close(); });
    if ('open' in dialog.dataset) dialog.showModal();
  });
  // A double click sends one form; the server takes a form once either way.
  document.addEventListener('submit', e => {
    const button = e.submitter;
    if (button) setTimeout(() => { button.disabled = true; });
  });

  // A page that is made for paper has a button for it.
  $$('[data-print]').forEach(button => {
    button.hidden = false;
    button.addEventListener('click', () => print());
  });

  // Keyboard. Start and stop have no key, on purpose.
  const go = Object.fromEntries($$('.side [data-key]').map(x => [x.dataset.key, x.href]));
  let pressed = 0, row = -1;
  addEventListener('keydown', e => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest('input,textarea,select,dialog')) return;
    if (pressed && Date.now() - pressed < 1200 && e.key in go) { location.href = go[e.key]; return; }
    pressed = e.key === 'g' ? Date.now() : 0;
    if (e.key === '/') { e.preventDefault(); $('#find')?.focus(); }
    else if (e.key === 't') $('#theme')?.click();
    else if (e.key === 'z') $('[name=zone][aria-pressed=false]')?.click();
    else if (e.key === 'n') location.href = home + '/campaigns/new';
    else if (e.key === '?') help();
    else if (e.key === 'j' || e.key === 'k') {
      const rows = $$('[data-rows] tbody tr');
      if (!rows.length) return;
      row = Math.max(0, Math.min(rows.length - 1, row + (e.key === 'j' ? 1 : -1)));
      rows.forEach((r, i) => r.setAttribute('aria-selected', i === row));
      $('a', rows[row])?.focus();
    }
  });
  // The list of keys is made here, since keys work only where this file does.
  const help = () => {
    let dialog = $('#d-keys');
    if (!dialog) {
      dialog = document.createElement('dialog');
      dialog.id = 'd-keys';
      const list = document.createElement('dl');
      list.className = 'kv wide db';
      document.body.dataset.keys.split('\n').forEach(line => {
        const [key, text] = line.split('|');
        const term = document.createElement('dt'), what = document.createElement('dd'), kbd = document.createElement('kbd');
        kbd.textContent = key;
        what.textContent = text;
        term.append(kbd);
        list.append(term, what);
      });
      dialog.append(list);
      dialog.addEventListener('click', () => dialog.close());
      document.body.append(dialog);
    }
    dialog.showModal();
  };

  // The stream of the page: texts and the bar, once a second. Where the status changes, the page is read anew.
  const live = $('[data-live]');
  if (!live) return;
  const clock = $('#clock'), state = $('#live-state');
  let last = '', said = 0;
  const fill = (root, m) => {
    for (const [key, text] of Object.entries(m.texts ?? {})) $$(`[data-s="${key}"]`, root).forEach(x => { x.textContent = text; });
    $$('[data-bar]:not(.mini)', root).forEach(bar => {
      for (const [key, part] of Object.entries(m.bar ?? {})) {
        const rect = $(`[data-k="${key}"]`, bar);
        rect?.setAttribute('x', part.x);
        rect?.setAttribute('width', part.width);
      }
    });
  };
  const show = m => {
    if (m.rest || m.status && m.status !== live.dataset.status) {
      stream.close();
      location.replace(live.dataset.page);
      return;
    }
    for (const [id, html] of Object.entries(m.parts ?? {})) {
      const part = document.getElementById(id);
      if (part && !part.contains(document.activeElement) && !$('details[open]', part)) part.innerHTML = html;
    }
    fill(document.body, m);
    for (const [id, run] of Object.entries(m.runs ?? {})) $$(`[data-run="${id}"]`).forEach(x => fill(x, run));
    if (!m.texts) return;
    last = m.texts.clock;
    if (m.texts.percent && Date.now() - said > 30000) { said = Date.now(); state.textContent = m.texts.percent; }
    clock.classList.remove('off');
  };
  const stream = new EventSource(live.dataset.live);
  stream.addEventListener('message', e => show(JSON.parse(e.data)));
  stream.addEventListener('error', () => {
    clock.classList.add('off');
    state.textContent = document.body.dataset.lost;
    $('[data-s=clock]').textContent = last && document.body.dataset.again.replace('{at}', last);
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => location.replace(live.dataset.page), 5000);
  });
})();
