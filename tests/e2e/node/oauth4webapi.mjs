// oauth4webapi: what openid-client does, step by step, and with a kid and PS256 in the assertion.
import { createPrivateKey, webcrypto } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as oauth from 'oauth4webapi'

const { SERVER, CLIENT_ID, CLIENT_SECRET, PRIVATE_KEY, KID, METHOD, SCOPE } = process.env
const client = { client_id: CLIENT_ID }
const insecure = { [oauth.allowInsecureRequests]: true }

async function authentication () {
  if (METHOD === 'client_secret_basic') return oauth.ClientSecretBasic(CLIENT_SECRET)
  if (METHOD === 'client_secret_post') return oauth.ClientSecretPost(CLIENT_SECRET)
  const der = createPrivateKey(readFileSync(PRIVATE_KEY)).export({ format: 'der', type: 'pkcs8' })
  const key = await webcrypto.subtle.importKey('pkcs8', der, { name: 'RSA-PSS', hash: 'SHA-256' }, false, ['sign'])
  return oauth.PrivateKeyJwt({ key, kid: KID })
}

const issuer = new URL(SERVER)
const clientAuth = await authentication()
const as = await oauth
  .discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
  .then((response) => oauth.processDiscoveryResponse(issuer, response))

async function introspect (token) {
  const response = await oauth.introspectionRequest(as, client, clientAuth, token, insecure)
  return oauth.processIntrospectionResponse(as, client, response)
}

try {
  const parameters = new URLSearchParams({ scope: SCOPE })
  const response = await oauth.clientCredentialsGrantRequest(as, client, clientAuth, parameters, insecure)
  const token = await oauth.processClientCredentialsResponse(as, client, response)
  const before = await introspect(token.access_token)
  const revocation = await oauth.revocationRequest(as, client, clientAuth, token.access_token, insecure)
  await oauth.processRevocationResponse(revocation)
  const after = await introspect(token.access_token)
  console.log(JSON.stringify({ token, before, after }))
} catch (refusal) {
  console.log(JSON.stringify({ refusal: refusal.name, cause: refusal.cause }))
}
