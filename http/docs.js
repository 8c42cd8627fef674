// The page of the API: search, and trying a route with the caller's key. It loads nothing but openapi.json.
'use strict';

const find = document.getElementById('find');
const key = document.getElementById('key');
const routes = [...document.querySelectorAll('section.route')];
const shownAtMost = 100000; // characters of an answer

document.getElementById('tools').hidden = false;

find.addEventListener('input', () => {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const route of routes) {
    const text = route.textContent.toLowerCase();
    route.hidden = !words.every((word) => text.includes(word));
  }
  for (const group of document.querySelectorAll('section.group')) {
    group.hidden = !group.querySelector('section.route:not([hidden])');
  }
});

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// schemaOf follows a reference within the description.
function schemaOf(doc, schema) {
  return schema && schema.$ref ? doc.components.schemas[schema.$ref.split('/').pop()] : schema || {};
}

// exampleOf makes a value that the schema takes.
function exampleOf(doc, reference) {
  const schema = schemaOf(doc, reference);
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (schema.examples && schema.examples.length) return schema.examples[0];
  if (schema.default !== undefined) return schema.default;
  if (schema.enum) return schema.enum[0];
  if (type === 'integer' || type === 'number') return schema.minimum || 1;
  if (type === 'boolean') return false;
  if (type === 'array') return [];
  if (type === 'object') {
    const names = Object.keys(schema.properties || {}).filter((name) => (schema.required || []).includes(name));
    return Object.fromEntries(names.map((name) => [name, exampleOf(doc, schema.properties[name])]));
  }
  return schema.format === 'date-time' ? new Date(Date.now() + 86400000).toISOString() : '';
}

// fieldOf makes the input of a parameter.
function fieldOf(parameter) {
  const input = element('input', { name: parameter.name, required: parameter.in === 'path' });
  input.dataset.in = parameter.in;
  return element('label', {}, parameter.name + ' ', input);
}

// bodyOf makes the input of a body: text for JSON, a file for a list.
function bodyOf(doc, body) {
  const types = Object.keys(body.content);
  if (types[0].includes('json') && !types[0].includes('ndjson')) {
    const example = exampleOf(doc, body.content[types[0]].schema);
    const text = element('textarea', { name: 'body', rows: 6, value: JSON.stringify(example, null, 2) });
    text.dataset.type = types[0];
    return element('label', {}, 'body ', text);
  }
  const type = element('select', { name: 'type' }, ...types.map((t) => element('option', { value: t }, t)));
  return element('label', {}, 'body ', element('input', { name: 'file', type: 'file', required: true }), type);
}

// requestOf makes the request of a filled form.
function requestOf(form, prefix, path, method) {
  const headers = {};
  const query = new URLSearchParams();
  let url = path;
  for (const input of form.querySelectorAll('input[data-in]')) {
    if (input.dataset.in === 'path') url = url.replace('{' + input.name + '}', encodeURIComponent(input.value));
    else if (input.value && input.dataset.in === 'query') query.set(input.name, input.value);
    else if (input.value) headers[input.name] = input.value;
  }
  if (key.value) headers.Authorization = 'Bearer ' + key.value;
  let body;
  if (form.elements.file) {
    body = form.elements.file.files[0];
    headers['Content-Type'] = form.elements.type.value;
  } else if (form.elements.body) {
    body = form.elements.body.value;
    headers['Content-Type'] = form.elements.body.dataset.type;
  }
  const parameters = query.toString();
  return [prefix + url + (parameters ? '?' + parameters : ''), { method, headers, body }];
}

// readStart reads as much of an answer as is shown: a stream or an export may have no end.
async function readStart(answer) {
  if (!answer.body) return '';
  const reader = answer.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += decoder.decode(value, { stream: true });
    if (text.length > shownAtMost || (answer.headers.get('Content-Type') || '').startsWith('text/event-stream')) {
      reader.cancel();
      return text.slice(0, shownAtMost) + '\n…';
    }
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function send(form, output, ...request) {
  const [url, options] = requestOf(form, ...request);
  output.hidden = false;
  output.textContent = options.method + ' ' + url + '\n…';
  try {
    const began = performance.now();
    const answer = await fetch(url, options);
    const text = await readStart(answer);
    const took = Math.round(performance.now() - began);
    const headers = ['Location', 'ETag', 'Retry-After', 'Idempotency-Replayed', 'X-Request-Id']
      .filter((name) => answer.headers.has(name))
      .map((name) => name + ': ' + answer.headers.get(name) + '\n');
    output.textContent = `${options.method} ${url}\n${answer.status} ${answer.statusText}, ${took} ms\n` +
      headers.join('') + '\n' + pretty(text);
  } catch (failure) {
    output.textContent = options.method + ' ' + url + '\n' + failure;
  }
}

// offer adds a button to a route that opens its form.
function offer(doc, prefix, path, method, operation) {
  const route = document.getElementById(operation.operationId);
  if (!route) return;
  const parameters = (operation.parameters || []).filter((p) => p.in !== 'cookie');
  const form = element('form', { hidden: true }, ...parameters.map(fieldOf));
  if (operation.requestBody) form.append(bodyOf(doc, operation.requestBody));
  form.append(element('button', {}, 'Send'));
  const output = element('pre', { hidden: true });
  const open = element('button', { type: 'button' }, 'Try');
  open.addEventListener('click', () => { form.hidden = !form.hidden; });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    send(form, output, prefix, path, method.toUpperCase());
  });
  route.append(open, form, output);
}

(async () => {
  const source = document.getElementById('tools').dataset.openapi;
  const doc = await (await fetch(source)).json();
  for (const [path, item] of Object.entries(doc.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      if (operation.operationId) offer(doc, document.getElementById('tools').dataset.prefix, path, method, operation);
    }
  }
})();
