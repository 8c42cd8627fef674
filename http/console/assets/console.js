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
    if (button && !e.defaultPrevented) setTimeout(() => { button.disabled = true; });
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

  // A list comes in pieces, by the tus protocol: what was cut off goes on where it was, also after the page was opened
  // again. The file is never read into memory. Without this script the form sends it whole.
  const uploads = form => {
    const box = $('#upload'), input = $('[type=file]', form), part = name => $(`[data-u=${name}]`, box);
    const texts = box.dataset, pieceSize = 8 << 20, patience = 60000;
    let job; // the upload that is under way
    const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key]);
    const tell = text => { if (part('said').textContent !== text) part('said').textContent = text; };
    const amount = n => (n / 1e6).toLocaleString('en-US', {minimumFractionDigits: 1, maximumFractionDigits: 1});
    const span = s => {
      s = s > 3600 ? Math.round(s / 60) * 60 : s > 120 ? Math.round(s / 5) * 5 : Math.max(1, Math.round(s));
      const [h, m] = [Math.floor(s / 3600), Math.floor(s % 3600 / 60)];
      return fill(h ? texts.hours : m ? texts.minutes : texts.seconds, {h, m, s: s % 60});
    };

    const wrong = (code, answer) => {
      $('#upload-note')?.remove();
      const notes = $('#upload-wrong').content;
      const note = ($(`[data-code="${code}"]`, notes) ?? $('[data-code=""]', notes)).cloneNode(true);
      note.id = 'upload-note';
      $('.mono', note).textContent = answer ? `${answer.status} ${code} · ${answer.getResponseHeader('X-Request-Id') ?? ''}` : '';
      $('main').prepend(note);
      note.scrollIntoView({block: 'nearest'});
    };
    const end = () => {
      clearInterval(job?.timer);
      job = undefined;
      box.hidden = true;
      form.hidden = false;
      input.value = '';
    };
    // show writes how far the upload is. The time that is left is told after ten seconds.
    const show = (up, sent) => {
      const share = Math.min(100, sent / up.file.size * 100), seconds = (Date.now() - up.began) / 1000;
      part('bar').value = share;
      part('sent').textContent = fill(texts.sent, {
        sent: amount(sent), size: amount(up.file.size), percent: share < 100 ? (Math.floor(share * 10) / 10).toFixed(1) : '100.0',
      });
      const rate = (sent - up.from) / seconds;
      if (seconds > 1 && rate > 0) {
        let pace = fill(texts.rate, {rate: amount(rate)});
        if (seconds > 10) {
          const left = (up.file.size - sent) / rate, at = new Date(Date.now() + left * 1000);
          pace += ' · ' + fill(texts.left, {
            left: span(left), at: at.toLocaleTimeString('en-GB', {timeZone: texts.zone, hour: '2-digit', minute: '2-digit'}),
          });
        }
        part('pace').textContent = pace;
      }
      if (Date.now() - up.said > 30000) { up.said = Date.now(); tell(part('sent').textContent); }
    };
    const ask = (up, method, url, headers, body) => new Promise(answered => {
      const request = up.request = new XMLHttpRequest();
      let stalled;
      const moved = sent => {
        clearTimeout(stalled);
        stalled = setTimeout(() => request.abort(), patience);
        if (sent && up === job) show(up, Math.min(up.file.size, up.sent + sent));
      };
      request.open(method, url);
      request.setRequestHeader('Tus-Resumable', '1.0.0');
      request.setRequestHeader('Accept', 'application/json');
      Object.entries(headers).forEach(([name, value]) => request.setRequestHeader(name, value));
      request.upload.addEventListener('progress', e => moved(e.loaded));
      request.addEventListener('loadend', () => { clearTimeout(stalled); answered(request); });
      moved(0);
      request.send(body);
    });
    const codeOf = answer => { try { return JSON.parse(answer.responseText).code ?? ''; } catch { return ''; } };
    const metadata = file => {
      const base64 = text => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
      const name = file.name.normalize('NFC').trim();
      const kind = /\.(ndjson|jsonl)$/i.test(name) ? 'application/x-ndjson' : texts.guessed;
      return `filetype ${base64(kind)}` + (name.length > 255 || /\p{C}/u.test(name) ? '' : `,filename ${base64(name)}`);
    };
    // whole sends the form as a page without this script does.
    const whole = () => { job = undefined; form.submit(); };

    // wait tries again by itself after a while, or at once if the person says so.
    const wait = (up, text, seconds) => {
      const until = Date.now() + seconds * 1000, count = () => {
        const left = Math.ceil((until - Date.now()) / 1000);
        if (left <= 0) { clearInterval(up.timer); run(up); return; }
        part('pace').textContent = fill(text, {wait: span(left)});
      };
      box.classList.add('cut');
      part('go').hidden = false;
      tell(fill(text, {wait: span(seconds)}));
      up.timer = setInterval(count, 1000);
      count();
    };
    const stop = (up, answer) => {
      if (up !== job) return; // it was cancelled
      const {status} = answer, code = status ? codeOf(answer) : '';
      if (['too_many_uploads', 'uploads_full'].includes(code)) { whole(); return; } // there is no place for pieces
      const asked = Number(status && answer.getResponseHeader('Retry-After'));
      if (status === 404) up.url = '';
      if (!status || status === 404 || status === 408 || status === 409 || status === 429 || status >= 500 || code === 'malformed') {
        wait(up, status === 429 || status === 503 ? texts.busy : texts.cut, asked || Math.min(60, 5 * 2 ** up.tries++));
        return;
      }
      wrong(code || (status === 401 ? 'unauthorized' : ''), answer);
      end();
    };
    const begin = async up => {
      let answer;
      if (up.url) {
        answer = await ask(up, 'HEAD', up.url, {});
        if (answer.status === 200) up.sent = Number(answer.getResponseHeader('Upload-Offset'));
        if (answer.status !== 404) return answer.status === 200 || stop(up, answer);
      }
      answer = await ask(up, 'POST', texts.uploads, {'Upload-Length': up.file.size, 'Upload-Metadata': metadata(up.file)});
      if (answer.status !== 201) return stop(up, answer);
      up.url = `${texts.uploads}/${answer.getResponseHeader('Location').split('/').pop()}`;
      if (up !== job) { ask(up, 'DELETE', up.url, {}); return false; } // it was cancelled meanwhile
      up.sent = 0;
      sessionStorage.setItem(up.key, up.url);
      return true;
    };
    const run = async up => {
      clearInterval(up.timer);
      box.classList.remove('cut');
      part('go').hidden = true;
      part('pace').textContent = '';
      try { await up.file.slice(0, 1).arrayBuffer(); } catch { wrong('unreadable'); end(); return; }
      if (up !== job || !await begin(up) || up !== job) return;
      up.from = up.sent;
      up.began = Date.now();
      while (up.sent < up.file.size) {
        const answer = await ask(up, 'PATCH', up.url,
          {'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': up.sent}, up.file.slice(up.sent, up.sent + pieceSize));
        if (up !== job || answer.status !== 204) { stop(up, answer); return; }
        up.sent = Number(answer.getResponseHeader('Upload-Offset'));
        up.tries = 0;
        show(up, up.sent);
      }
      part('cancel').hidden = true;
      part('pace').textContent = texts.reading;
      tell(texts.reading);
      const field = document.createElement('input');
      field.type = 'hidden';
      field.name = 'upload';
      field.value = up.url.split('/').pop();
      form.append(field);
      input.disabled = true; // it is sent already
      form.submit();
    };
    const start = file => {
      $('#upload-note')?.remove();
      if (!file.size) { whole(); return; } // the server says what is wrong with it
      const key = ['upload', texts.event, file.size, file.lastModified, file.name].join(' ');
      job = {file, key, url: sessionStorage.getItem(key), sent: 0, from: 0, tries: 0, began: Date.now(), said: Date.now()};
      part('name').textContent = file.name;
      part('cancel').hidden = false;
      form.hidden = true;
      box.hidden = false;
      show(job, 0);
      tell(fill(texts.begun, {name: file.name}));
      run(job);
    };

    form.addEventListener('submit', e => {
      if (!input.files.length) return;
      e.preventDefault();
      start(input.files[0]);
    });
    part('go').addEventListener('click', () => run(job));
    part('cancel').addEventListener('click', () => {
      const up = job;
      end();
      up.request?.abort();
      sessionStorage.removeItem(up.key);
      if (up.url) ask(up, 'DELETE', up.url, {});
      tell(texts.cancelled);
      input.focus();
    });
    $('#upload-drop').hidden = false;
    // A file that is dropped beside the place would be opened in place of the page.
    ['dragover', 'drop'].forEach(type => addEventListener(type, e => e.preventDefault()));
    ['dragover', 'dragleave', 'drop'].forEach(type => form.addEventListener(type, () => form.classList.toggle('over', type === 'dragover')));
    form.addEventListener('drop', e => {
      const {files} = e.dataTransfer;
      if (job || !files.length || $('[aria-disabled=true]', form)) return;
      if (files.length > 1) { wrong('one_file'); return; }
      input.files = files;
      start(files[0]);
    });
    addEventListener('pageshow', e => { if (e.persisted) location.reload(); });
  };
  if ($('form.drop')) uploads($('form.drop'));

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
