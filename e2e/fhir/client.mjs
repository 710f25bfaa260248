// A FHIR client that knows nothing of Amanah but its addresses: the library
// fhir-kit-client as published, with requests signed by jose in the library's own hook.
// It finds a person, enters, reads, corrects and searches their records; a second client
// without a key enters and is refused what it may not open.
//
// Input, JSON on standard input: issuer, connect (the address at which the issuer
// listens), client_id, client_key (private JWK), client_secret, nik, bundle (a
// transaction of that person). Output: one JSON object.
import { Client } from 'fhir-kit-client'
import * as jose from 'jose'
import { readFileSync } from 'node:fs'
import { randomUUID } from 'node:crypto'

const input = JSON.parse(readFileSync(0, 'utf8'))
const issuer = new URL(input.issuer)
const base = input.issuer + '/fhir/R4'
const { d, ...jwk } = input.client_key
const alg = jwk.crv === 'Ed25519' ? 'EdDSA' : 'ES256'
const key = await jose.importJWK(input.client_key, alg)

// The library always asks the issuer by its name; where that listens is the test's. What
// an answer brings along is the nonce of the next proof, and a request without one is
// sent again, as RFC 9449 section 8 has it.
let nonce
const plain = globalThis.fetch
const at = (url) => {
  const u = new URL(url)
  if (u.origin !== issuer.origin) throw new Error(`asked a foreign host: ${u.origin}`)
  return input.connect + u.pathname + u.search
}
globalThis.fetch = async (req, init) => {
  const url = typeof req === 'string' ? req : req.url
  const body = typeof req === 'string' ? init?.body : req.method === 'GET' ? undefined : await req.text()
  const method = init?.method ?? req.method ?? 'GET'
  const headers = new Headers(init?.headers ?? req.headers)
  for (let tries = 0; ; tries++) {
    const res = await plain(at(url), { method, headers, body })
    nonce = res.headers.get('dpop-nonce') ?? nonce
    const wants = res.status === 401 && (res.headers.get('www-authenticate') ?? '').includes('use_dpop_nonce') ||
      res.status === 400 && (await res.clone().text()).includes('use_dpop_nonce')
    if (!wants || tries > 0 || !headers.has('dpop')) return res
    const token = (headers.get('authorization') ?? '').split(' ')[1]
    headers.set('dpop', await proof(method, url, token))
  }
}

async function proof(method, url, token) {
  const u = new URL(url)
  const claims = { jti: randomUUID(), htm: method, htu: issuer.origin + u.pathname, nonce }
  if (token) claims.ath = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(token))).toString('base64url')
  return new jose.SignJWT(claims).setProtectedHeader({ alg, typ: 'dpop+jwt', jwk }).setIssuedAt().sign(key)
}

const form = (o) => ({ method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams(o).toString() })
const out = {}

// 1. tokens: one bound to the key, and one as SATUSEHAT's clients get it
const assertion = await new jose.SignJWT({ jti: randomUUID() }).setProtectedHeader({ alg, typ: 'JWT' })
  .setIssuer(input.client_id).setSubject(input.client_id).setAudience(input.issuer).setIssuedAt().setExpirationTime('1m').sign(key)
const asked = form({
  grant_type: 'client_credentials', client_id: input.client_id,
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: assertion,
})
nonce = (await fetch(input.issuer + '/oauth/token', form({ grant_type: 'client_credentials', client_id: 'nobody' }))).headers.get('dpop-nonce')
asked.headers.dpop = await proof('POST', input.issuer + '/oauth/token')
const bound = await (await fetch(input.issuer + '/oauth/token', asked)).json()
out.bound = bound.token_type ?? bound
const bearer = await (await fetch(input.issuer + '/oauth2/v1/accesstoken?grant_type=client_credentials',
  form({ client_id: input.client_id, client_secret: input.client_secret }))).json()
out.bearer = bearer.token_type ?? bearer

// 2. the two clients
const signed = new Client({
  baseUrl: base,
  requestSigner: async (url, init) => {
    init.headers.set('authorization', 'DPoP ' + bound.access_token)
    init.headers.set('dpop', await proof(init.method, url, bound.access_token))
  },
})
const entering = new Client({ baseUrl: base, bearerToken: bearer.access_token })
const refused = async (ask) => {
  try {
    await ask
    return 'accepted'
  } catch (err) {
    if (!err.response) throw err
    const { status, data } = err.response
    return { status, code: data.issue?.[0].code, at: data.issue?.[0].expression?.[0] }
  }
}

const statement = await signed.capabilityStatement()
out.statement = statement.resourceType + ' ' + statement.fhirVersion

// 3. who it is about: by NIK, in the body
const identifier = 'https://fhir.kemkes.go.id/id/nik|' + input.nik
const found = await signed.search({ resourceType: 'Patient', searchParams: { identifier }, options: { postSearch: true } })
const id = found.entry[0].resource.id
out.found = found.total === 1 && Object.keys(found.entry[0].resource).length === 2
out.same = (await entering.search({ resourceType: 'Patient', searchParams: { identifier } })).entry[0].resource.id === id

// 4. enter, open, correct
const dose = {
  resourceType: 'Immunization', status: 'completed', patient: { reference: 'Patient/' + id }, occurrenceDateTime: '2022-07-01',
  vaccineCode: { coding: [{ system: 'http://hl7.org/fhir/sid/cvx', code: '208' }] },
}
const made = await signed.create({ resourceType: 'Immunization', body: dose })
const location = Client.httpFor(made).response.headers.get('location')
out.created = location === `${base}/Immunization/${made.id}/_history/${made.meta.versionId}`
const got = await signed.read({ resourceType: 'Immunization', id: made.id })
out.read = JSON.stringify(got.vaccineCode) === JSON.stringify(dose.vaccineCode) && got.meta.versionId === made.meta.versionId
const etag = `W/"${got.meta.versionId}"`
const changed = await signed.update({ resourceType: 'Immunization', id: made.id, body: { ...got, lotNumber: 'UJI-1' }, options: { headers: { 'If-Match': etag } } })
out.corrected = changed.meta.versionId !== got.meta.versionId
out.stale = await refused(signed.update({ resourceType: 'Immunization', id: made.id, body: got, options: { headers: { 'If-Match': etag } } }))
out.vread = (await signed.vread({ resourceType: 'Immunization', id: made.id, version: got.meta.versionId })).lotNumber === undefined
out.history = (await signed.history({ resourceType: 'Immunization', id: made.id })).total

// 5. a transaction, and what is found of it
const sent = await signed.transaction({ body: input.bundle })
out.transaction = sent.entry.map((e) => e.response.status.slice(0, 3)).join(' ')
const compartment = { resourceType: 'Patient', id }
const observations = await signed.search({ resourceType: 'Observation', compartment, searchParams: { code: '718-7', date: 'ge2021' } })
out.observations = observations.total
const first = await signed.search({ resourceType: 'Immunization', compartment, searchParams: { _count: 1 } })
const second = await signed.nextPage({ bundle: first })
out.pages = [first.entry.length, second.entry.length, first.entry[0].resource.id !== second.entry[0].resource.id]
const everything = await signed.operation({ name: 'everything', resourceType: 'Patient', id, method: 'GET' })
out.everything = everything.total >= input.bundle.entry.length

// 6. what is refused, and where it is wrong
out.invalid = await refused(signed.create({ resourceType: 'Immunization', body: { ...dose, status: 'done' } }))
out.across = await refused(signed.search({ resourceType: 'Observation', searchParams: { patient: id } }))
out.entered = (await entering.create({ resourceType: 'Immunization', body: { ...dose, occurrenceDateTime: '2022-07-02' } })).resourceType
out.opened = await refused(entering.read({ resourceType: 'Immunization', id: made.id }))

process.stdout.write(JSON.stringify(out) + '\n')
