// An OAuth client that knows nothing of Amanah but its discovery document: the
// library oauth4webapi as published, with keys and signatures by jose. It links a
// person, refreshes, checks in, and shows that a code used twice ends the link.
//
// Input, JSON on standard input: issuer, connect (the address at which the issuer
// listens), tunnel (an encapsulator: what is asked of it is sent through the
// partner's relay), client_id, client_key (the partner's, a private JWK), redirect,
// venue_code, nik (what a person types on the pages), pick (text of the choice they
// take there), messages (the file in which they find their code). Output: one JSON
// object.
import * as oauth from 'oauth4webapi'
import * as jose from 'jose'
import { readFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'

const input = JSON.parse(readFileSync(0, 'utf8'))
const issuer = new URL(input.issuer)

// The library always asks the issuer by its name; where that listens is the test's.
const at = (base) => (url, init) => {
  const u = new URL(url)
  if (u.origin !== issuer.origin) throw new Error(`asked a foreign host: ${u.origin}`)
  const { signal, ...rest } = init
  return fetch(base + u.pathname + u.search, { ...rest, redirect: 'manual' })
}
const direct = { [oauth.customFetch]: at(input.connect) }
const sealed = { [oauth.customFetch]: at(input.tunnel) }

const client = { client_id: input.client_id }
const device = await oauth.generateKeyPair('ES256')
const DPoP = oauth.DPoP(client, device)

// The partner's server attests the device's key; the library has no method of its
// own for that, so this is one of the kind that it takes.
const partner = await jose.importJWK(input.client_key, input.client_key.crv === 'Ed25519' ? 'EdDSA' : 'ES256')
const { kty, crv, x, y } = await jose.exportJWK(device.publicKey)
const attestation = await new jose.SignJWT({ cnf: { jwk: { kty, crv, x, y } } })
  .setProtectedHeader({ alg: input.client_key.crv === 'Ed25519' ? 'EdDSA' : 'ES256', typ: 'oauth-client-attestation+jwt' })
  .setSubject(input.client_id).setIssuedAt().setExpirationTime('1h').sign(partner)
const attested = (as, c, body, headers) => {
  body.set('client_id', c.client_id)
  headers.set('oauth-client-attestation', attestation)
}

// once more with the server's nonce, as the library's own examples do it
const nonced = async (ask, read) => {
  try {
    return await read(await ask())
  } catch (err) {
    if (!oauth.isDPoPNonceError(err)) throw err
    return await read(await ask())
  }
}

const as = await oauth.processDiscoveryResponse(issuer,
  await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...direct }))

async function begin(way) {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const params = new URLSearchParams({
    response_type: 'code', redirect_uri: input.redirect, scope: 'colour', state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  })
  const pushed = await nonced(
    () => oauth.pushedAuthorizationRequest(as, client, attested, params, { DPoP, ...way }),
    (res) => oauth.processPushedAuthorizationResponse(as, client, res))
  const url = new URL(as.authorization_endpoint)
  url.searchParams.set('client_id', client.client_id)
  url.searchParams.set('request_uri', pushed.request_uri)
  const back = await browse(url)
  return { verifier, answer: oauth.validateAuthResponse(as, client, back, state) }
}

// browse is the person and their browser: it follows redirects, reads the platform's
// pages and sends their forms, until it is sent to the app.
async function browse(url) {
  let cookie = ''
  let init = {}
  const had = codes().length
  for (let hop = 0; hop < 20; hop++) {
    const res = await at(input.connect)(url, { ...init, headers: { ...init.headers, cookie } })
    const set = res.headers.getSetCookie().map((c) => c.split(';')[0])
    if (set.length > 0) cookie = set.join('; ')
    init = {}
    const to = res.headers.get('location')
    if (to !== null) {
      url = new URL(to, url)
      if (url.href.startsWith(input.redirect)) return url
      continue
    }
    const page = await res.text()
    const form = page.match(/<form method="post" action="([^"]*)" novalidate>[^]*?<\/form>/)
    if (res.status !== 200 || form === null || page.includes('role="alert"')) throw new Error(`the pages answered ${res.status}: ${page}`)
    const fields = new URLSearchParams()
    for (const [, name, value] of form[0].matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)) fields.set(name, value)
    url = new URL(form[1].replaceAll('&amp;', '&'), url)
    const step = url.pathname.split('/').pop()
    if (step === 'who') fields.set('nik', input.nik)
    if (step === 'code') fields.set('code', await received(had))
    if (step === 'person') {
      const all = [...form[0].matchAll(/name="pick" value="([^"]*)"> <label[^>]*>([^<]*)</g)]
      fields.set('pick', all.find(([, , label]) => label.includes(input.pick))[1])
    }
    init = { method: 'POST', body: fields.toString(), headers: { 'content-type': 'application/x-www-form-urlencoded' } }
  }
  throw new Error('the pages do not end')
}

// codes are those that were sent so far; received waits for the next.
const codes = () => readFileSync(input.messages, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line).code)
async function received(had) {
  for (let tries = 0; tries < 500; tries++) {
    const all = codes()
    if (all.length > had) return all[had]
    await new Promise((done) => setTimeout(done, 20))
  }
  throw new Error('no code was sent')
}

const exchange = (begun, way) => nonced(
  () => oauth.authorizationCodeGrantRequest(as, client, attested, begun.answer, input.redirect, begun.verifier, { DPoP, ...way }),
  (res) => oauth.processAuthorizationCodeResponse(as, client, res))

// checkIn is a request of the device to the platform, encapsulated.
async function checkIn(token) {
  const holder = await jose.exportJWK((await jose.generateKeyPair('EdDSA', { extractable: true })).publicKey)
  const nonce = randomBytes(16)
  nonce.writeUIntBE(Date.now(), 0, 6)
  const body = JSON.stringify({ code: input.venue_code, party: 1, nonce: nonce.toString('base64url'), holder: holder.x })
  for (let tries = 0; ; tries++) {
    const res = await oauth.protectedResourceRequest(token, 'POST', new URL('/v1/visits', issuer),
      new Headers({ 'content-type': 'application/json' }), body, { DPoP, ...sealed })
    const doc = await res.json()
    if (tries === 0 && res.status === 403 && doc.title.startsWith('use_dpop_nonce')) continue // the library kept the nonce
    return { status: res.status, ...doc }
  }
}

const out = { endpoints: [as.pushed_authorization_request_endpoint, as.token_endpoint, as.revocation_endpoint] }

// 1. without a relay, as a client that knows only the standards
let begun = await begin(direct)
const first = await exchange(begun, direct)
out.sub = first.sub
out.scope = first.scope
const next = await nonced(
  () => oauth.refreshTokenGrantRequest(as, client, attested, first.refresh_token, { DPoP, ...direct }),
  (res) => oauth.processRefreshTokenResponse(as, client, res))
out.refreshed = next.refresh_token !== first.refresh_token && next.access_token !== first.access_token
out.visit = await checkIn(next.access_token)

// 2. a code used twice ends the link that it gave
try {
  await exchange(begun, direct)
  out.twice = 'accepted'
} catch (err) {
  out.twice = err.error ?? String(err)
}
out.after = await checkIn(next.access_token)

// 3. all of it through the relay
begun = await begin(sealed)
const inside = await exchange(begun, sealed)
out.same = inside.sub === first.sub
out.inside = await checkIn(inside.access_token)
const proof = async (url) => new jose.SignJWT({ htm: 'POST', htu: url, jti: randomBytes(12).toString('base64url'), nonce: out.nonce })
  .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: { kty, crv, x, y } }).setIssuedAt().sign(device.privateKey)
const keep = { [oauth.customFetch]: async (url, init) => {
  const res = await at(input.tunnel)(url, init)
  out.nonce = res.headers.get('dpop-nonce')
  return res
} }
const revoking = async (as, c, body, headers) => { // the library proves no possession here
  attested(as, c, body, headers)
  headers.set('dpop', await proof(as.revocation_endpoint))
}
await nonced(
  () => oauth.revocationRequest(as, client, revoking, inside.access_token, keep),
  (res) => oauth.processRevocationResponse(res))
delete out.nonce
out.revoked = await checkIn(inside.access_token)

process.stdout.write(JSON.stringify(out) + '\n')
