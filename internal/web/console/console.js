// The staff's console: passkeys, a key of this browser's that nothing can read, and a
// signature of it on every request (RFC 9449). No text becomes HTML.
'use strict';
(() => {
  const page = document.body.dataset;
  const $ = (id) => document.getElementById(id);
  const texts = new Map(Array.from($('texts').children, (e) => [e.dataset.key, e.textContent]));
  const say = (name) => texts.get(name) || name;
  const utf8 = (s) => new TextEncoder().encode(s);

  const encode = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
  const decode = (s) => Uint8Array.from(atob(s.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
  const sha256 = (bytes) => crypto.subtle.digest('SHA-256', bytes);
  const join = (...parts) => {
    const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
    let at = 0;
    for (const p of parts) { out.set(p, at); at += p.length; }
    return out;
  };

  // What this browser keeps of a sign-in: the key pair, whose private half cannot be
  // exported, and the token.
  const store = (mode, work) => new Promise((done, fail) => {
    const open = indexedDB.open('amanah-console', 1);
    open.onupgradeneeded = () => open.result.createObjectStore('sign-in');
    open.onerror = () => fail(open.error);
    open.onsuccess = () => {
      const tx = open.result.transaction('sign-in', mode);
      const asked = work(tx.objectStore('sign-in'));
      tx.oncomplete = () => { open.result.close(); done(asked.result); };
      tx.onerror = () => { open.result.close(); fail(tx.error); };
    };
  });
  const load = () => store('readonly', (s) => s.get('now'));
  const save = (v) => store('readwrite', (s) => s.put(v, 'now'));
  const forget = () => store('readwrite', (s) => s.delete('now'));

  // Members in the order that RFC 7638 hashes.
  const publicKey = async (pair) => {
    const k = await crypto.subtle.exportKey('jwk', pair.publicKey);
    return { crv: k.crv, kty: k.kty, x: k.x, y: k.y };
  };

  let nonce = '';
  const proof = async (pair, method, path, token, purpose) => {
    const claims = { jti: encode(crypto.getRandomValues(new Uint8Array(16))), htm: method, htu: page.host + path, iat: Math.floor(Date.now() / 1000), nonce };
    if (purpose) claims.purpose = purpose;
    if (token) claims.ath = encode(await sha256(utf8(token)));
    const text = encode(utf8(JSON.stringify({ typ: 'dpop+jwt', alg: 'ES256', jwk: await publicKey(pair) }))) + '.' + encode(utf8(JSON.stringify(claims)));
    return text + '.' + encode(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, utf8(text)));
  };

  const call = async (method, path, body, who) => {
    if (who && !nonce) await call('GET', '/console/v1/clock');
    for (let again = true; ; again = false) {
      const headers = {};
      if (body !== undefined) headers['Content-Type'] = 'application/json';
      if (who) headers.DPoP = await proof(who.pair, method, path, who.token);
      if (who && who.token) headers.Authorization = 'DPoP ' + who.token;
      let res;
      try {
        res = await fetch(path + '?lang=' + page.lang, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), credentials: 'omit', cache: 'no-store', redirect: 'error' });
      } catch { throw new Error(say('offline')); }
      nonce = res.headers.get('DPoP-Nonce') || nonce;
      const answer = await res.json();
      if (res.ok) return answer;
      if (again && who && String(answer.title).startsWith('use_dpop_nonce')) continue;
      const wrong = new Error(answer.title || say('offline'));
      wrong.status = res.status;
      throw wrong;
    }
  };

  const passkey = async (work) => {
    if (!window.PublicKeyCredential) throw new Error(say('none'));
    try { return await work(); } catch { throw new Error(say('refused')); }
  };
  const assertion = async (challenge) => {
    const c = await passkey(() => navigator.credentials.get({ publicKey: { challenge, rpId: page.site, userVerification: 'required', timeout: 300000 } }));
    return {
      credential: encode(c.rawId),
      signed: { auth_data: encode(c.response.authenticatorData), client_data: encode(c.response.clientDataJSON), signature: encode(c.response.signature) },
    };
  };

  // One thing at a time; what went wrong is told at the top and has the focus.
  let busy = false;
  const run = async (work) => {
    if (busy) return;
    busy = true;
    $('wrong').hidden = true;
    $('status').textContent = say('working');
    try { await work(); } catch (e) {
      if (page.page === 'desk' && e.status === 403 && $('desk').hidden || page.page === 'records' && e.status === 401) { location.assign('/console/sign-in?lang=' + page.lang); return; }
      $('wrong').textContent = e.message;
      $('wrong').hidden = false;
      $('wrong').focus();
    } finally { busy = false; $('status').textContent = ''; }
  };
  const on = (form, work) => $(form).addEventListener('submit', (e) => { e.preventDefault(); run(() => work(new FormData(e.target))); });

  const enrol = async (form) => {
    const code = form.get('code');
    const i = await call('POST', '/console/v1/enrolments/begin', { code });
    const c = await passkey(() => navigator.credentials.create({ publicKey: {
      challenge: decode(i.challenge), rp: { id: page.site, name: 'Amanah' },
      user: { id: utf8(i.actor), name: i.actor, displayName: i.actor },
      pubKeyCredParams: [{ type: 'public-key', alg: -7 }, { type: 'public-key', alg: -8 }],
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
      attestation: 'none', timeout: 300000,
    } }));
    const made = await call('POST', '/console/v1/enrolments', { code, attestation: encode(c.response.attestationObject), client_data: encode(c.response.clientDataJSON) });
    $('print').textContent = made.fingerprint;
    $('enrol').hidden = true;
    $('done').hidden = false;
    $('done').focus();
  };

  const signIn = async (form) => {
    const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
    const { now } = await call('GET', '/console/v1/clock');
    const until = now + Number(form.get('long'));
    const end = new Uint8Array(8);
    new DataView(end.buffer).setBigUint64(0, BigInt(until));
    const thumbprint = new Uint8Array(await sha256(utf8(JSON.stringify(await publicKey(pair)))));
    const a = await assertion(await sha256(join(utf8('amanah browser key v1\0'), thumbprint, end)));
    const s = await call('POST', '/console/v1/sessions', { credential: a.credential, until, ...a.signed }, { pair });
    await save({ pair, token: s.token });
    location.assign('/console/desk?lang=' + page.lang);
  };

  const add = (to, tag, text) => {
    const e = document.createElement(tag);
    if (text !== undefined) e.textContent = text;
    to.append(e);
    return e;
  };
  const when = (seconds) => new Date(seconds * 1000).toLocaleString(page.lang);
  const button = (to, text, work) => {
    const b = add(to, 'button', text);
    b.type = 'button';
    b.addEventListener('click', () => run(work));
    return b;
  };

  const tell = (came) => {
    if (came.state === 'done') return;
    $('told').textContent = say(came.state === 'host' ? 'needhost' : 'needsecond');
    $('told').focus();
  };

  const approve = async (r, who) => {
    const a = await assertion(await sha256(join(utf8('amanah approval v1\0'), decode(r.id))));
    await call('POST', '/console/v1/requests/' + r.id + '/approval', a.signed, who);
  };

  const showRequest = (list, r, who) => {
    const li = add(list, 'li');
    add(li, 'p').append(Object.assign(document.createElement('strong'), { textContent: say(r.kind) + ': ' + r.purpose }));
    add(li, 'p', say('by') + ' ' + (r.by || say('host')) + (r.place ? ', ' + r.place : '') + '; ' + say('until') + ' ' + when(r.until));
    if (r.body) add(li, 'pre', r.body);
    add(add(li, 'p', say('number') + ' '), 'code', 'R-' + r.id);
    if (r.approvals.length) add(li, 'p', say('approvals') + ' ' + r.approvals.join(', ') + (r.grant_until ? '; ' + say('granted') + ' ' + when(r.grant_until) : ''));
    if (!r.may_approve) return;
    button(li, say('approve'), async () => {
      await approve(r, who);
      if (r.kind === 'widen') await call('POST', '/console/v1/actors/' + r.by + '/approval', {}, who);
      await desk();
    }).setAttribute('aria-label', say('approve') + ': ' + r.purpose);
  };

  const showMember = (list, m, who, self) => {
    const li = add(list, 'li');
    add(li, 'p', m.id + ', ' + m.facility + ', ' + m.role + ': ' + say(m.state));
    const base = '/console/v1/actors/' + m.id + '/';
    if (m.state === 'registered') {
      const field = add(li, 'p');
      const label = add(field, 'label', say('print') + ' ');
      const input = add(label, 'input');
      input.type = 'text';
      input.maxLength = 24;
      button(li, say('confirm') + ' ' + m.id, async () => {
        const came = await call('POST', base + m.enrol, { fingerprint: input.value.trim().toUpperCase() }, who);
        await desk();
        tell(came);
      });
    }
    if (m.state !== 'ended' && m.id !== self) button(li, say('end') + ' ' + m.id, async () => { const came = await call('POST', base + m.end, {}, who); await desk(); tell(came); }).className = 'second';
  };

  const desk = async () => {
    const who = await load();
    if (!who) { location.assign('/console/sign-in?lang=' + page.lang); return; }
    const d = await call('GET', '/console/v1/desk', undefined, who);
    $('actor').textContent = d.actor + ' (' + d.role + ', ' + d.facility + ')';
    $('until').textContent = when(d.until);
    const officer = d.role === 'officer';
    $('ask-elevate').hidden = !officer;
    $('ask-widen').hidden = officer;
    $('ask').dataset.kind = officer ? 'elevate' : 'widen';
    $('office').hidden = !officer;
    $('to-records').hidden = officer;
    for (const [id, rows, show] of [['requests', d.requests, showRequest], ['staff', d.staff, showMember]]) {
      $(id).replaceChildren();
      for (const row of rows) show($(id), row, who, d.actor);
      if (!rows.length) add($(id), 'li', say('empty'));
    }
    $('desk').hidden = false;
  };

  // Records are opened by a request that this browser's key signs, purpose included: the
  // keeper believes that, and nothing that the server says.
  const fhir = async (method, path, query, form, who, purpose, seen) => {
    if (!nonce) await call('GET', '/console/v1/clock');
    for (let again = true; ; again = false) {
      const headers = { Accept: 'application/fhir+json', Authorization: 'DPoP ' + who.token, DPoP: await proof(who.pair, method, path, who.token, purpose) };
      if (form) headers['Content-Type'] = 'application/x-www-form-urlencoded';
      let res;
      try {
        res = await fetch(path + query, { method, headers, body: form, credentials: 'omit', cache: 'no-store', redirect: 'error' });
      } catch { throw new Error(say('offline')); }
      nonce = res.headers.get('DPoP-Nonce') || nonce;
      const answer = await res.json();
      if (res.ok) { if (seen) seen(res.headers.get('Amanah-View')); return answer; }
      if (again && (res.headers.get('WWW-Authenticate') || '').includes('use_dpop_nonce')) continue;
      const issue = (answer.issue || [{}])[0];
      const text = issue.diagnostics || say('offline');
      const why = res.status === 429 ? say('budget') : res.status === 410 ? say('erased')
        : issue.code === 'suppressed' ? say('restricted') : text.includes('second person') ? say('second') : text;
      const wrong = new Error(why);
      wrong.status = res.status;
      throw wrong;
    }
  };

  const textOf = (c) => c && (c.text || (c.coding || []).map((one) => one.display || one.code).join(', '));
  const dateOf = (r) => r.effectiveDateTime || r.occurrenceDateTime || r.performedDateTime || r.onsetDateTime || r.recordedDate || r.issued || r.date
    || r.authoredOn || (r.period || r.effectivePeriod || r.performedPeriod || {}).start || '';
  const showRecord = (list, r) => {
    const li = add(list, 'li');
    add(li, 'h3', r.resourceType + (dateOf(r) ? ', ' + dateOf(r) : ''));
    const what = textOf(r.code || r.vaccineCode || r.type) || textOf((r.content || [{}])[0].attachment && { text: r.content[0].attachment.title });
    if (what) add(li, 'p', what);
    if (typeof r.status === 'string') add(li, 'p', r.status);
    const value = r.valueQuantity ? r.valueQuantity.value + ' ' + (r.valueQuantity.unit || '') : r.valueString || textOf(r.valueCodeableConcept);
    if (value) add(li, 'p', value);
    const all = add(li, 'details');
    add(all, 'summary', say('whole') + ' (' + r.id + ')');
    add(all, 'pre', JSON.stringify(r, null, 1));
  };

  const openRecords = async (form) => {
    const who = await load();
    if (!who) { location.assign('/console/sign-in?lang=' + page.lang); return; }
    $('opened').hidden = true;
    const nik = String(form.get('nik')).replace(/[ .-]/g, '');
    const found = await fhir('POST', '/fhir/R4/Patient/_search', '', new URLSearchParams({ identifier: 'https://fhir.kemkes.go.id/id/nik|' + nik }).toString(), who);
    if (!found.total) throw new Error(say('nobody'));
    const path = '/fhir/R4/Patient/' + found.entry[0].resource.id + '/$everything';
    const all = [];
    const views = new Set();
    for (let query = ''; ;) {
      const got = await fhir('GET', path, query, undefined, who, form.get('purpose'), (v) => { if (v) views.add(v); });
      all.push(...(got.entry || []).map((e) => e.resource));
      const next = (got.link || []).find((l) => l.relation === 'next');
      if (!next) break;
      query = new URL(next.url).search;
    }
    $('records').replaceChildren();
    const patient = all.find((r) => r.resourceType === 'Patient');
    const name = patient && (patient.name || [{}])[0];
    $('whose').textContent = (name ? name.text || [...(name.given || []), name.family].join(' ') : say('unnamed')) + ', ' + (patient && patient.birthDate ? patient.birthDate + ', ' : '') + all.length + ' ' + say('many');
    for (const r of all) if (r !== patient) showRecord($('records'), r);
    $('view').textContent = [...views].join(' ');
    $('opened').hidden = false;
    $('opened').focus();
  };

  if (page.page === 'enrol') {
    $('code').value = location.hash.slice(1);
    history.replaceState(null, '', location.pathname + location.search);
    on('enrol', enrol);
  } else if (page.page === 'sign-in') {
    on('sign-in', signIn);
  } else if (page.page === 'records') {
    on('open', openRecords);
  } else {
    on('ask', async (form) => {
      await call('POST', '/console/v1/requests', { kind: $('ask').dataset.kind, purpose: form.get('purpose') }, await load());
      $('ask').reset();
      await desk();
    });
    on('erase', async (form) => {
      const who = await load();
      const asked = await call('POST', '/console/v1/erasures', { purpose: form.get('purpose'), whom: String(form.get('whom')).replace(/[ .-]/g, ''), reason: form.get('reason') }, who);
      $('erase').reset();
      await desk(); // it stands there, should the passkey be refused
      await approve(asked, who);
      await desk();
    });
    on('invite', async (form) => {
      const made = await call('POST', '/console/v1/invitations', { actor: form.get('actor'), facility: form.get('facility'), role: form.get('role') }, await load());
      $('invitation').textContent = say('code') + ': ' + made.code;
      await desk();
    });
    $('out').addEventListener('click', () => run(async () => {
      const who = await load();
      try { await call('DELETE', '/console/v1/sessions', undefined, who); } finally { await forget(); }
      location.assign('/console/sign-in?lang=' + page.lang);
    }));
    run(desk);
  }
})();
