// openid-client 6: discovery, then a token that is introspected, revoked and introspected again.
import { createPrivateKey, webcrypto } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as client from 'openid-client'

const { SERVER, CLIENT_ID, CLIENT_SECRET, PRIVATE_KEY, METHOD, SCOPE } = process.env

async function authentication () {
  if (METHOD === 'client_secret_basic') return client.ClientSecretBasic(CLIENT_SECRET)
  if (METHOD === 'client_secret_post') return client.ClientSecretPost(CLIENT_SECRET)
  const der = createPrivateKey(readFileSync(PRIVATE_KEY)).export({ format: 'der', type: 'pkcs8' })
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  return client.PrivateKeyJwt(await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']))
}

const config = await client.discovery(new URL(SERVER), CLIENT_ID, undefined, await authentication(), {
  algorithm: 'oauth2',
  execute: [client.allowInsecureRequests]
})
try {
  const token = await client.clientCredentialsGrant(config, { scope: SCOPE })
  const before = await client.tokenIntrospection(config, token.access_token)
  await client.tokenRevocation(config, token.access_token)
  const after = await client.tokenIntrospection(config, token.access_token)
  console.log(JSON.stringify({ token, before, after }))
} catch (refusal) {
  console.log(JSON.stringify({ refusal: refusal.name, cause: refusal.cause }))
}
