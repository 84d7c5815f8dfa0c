// simple-oauth2: form-encodes the Basic halves ("strict"), or not ("loose"), or sends the secret in the body.
import { ClientCredentials } from 'simple-oauth2'

const { SERVER, CLIENT_ID, CLIENT_SECRET, METHOD, ENCODING, SCOPE } = process.env

const client = new ClientCredentials({
  client: { id: CLIENT_ID, secret: CLIENT_SECRET },
  auth: { tokenHost: SERVER, tokenPath: '/oauth/v2/token', revokePath: '/oauth/v2/revoke' },
  options: {
    authorizationMethod: METHOD === 'client_secret_post' ? 'body' : 'header',
    ...(ENCODING ? { credentialsEncodingMode: ENCODING } : {})
  }
})
try {
  const accessToken = await client.getToken({ scope: SCOPE.split(' ') })
  const token = { ...accessToken.token }
  await accessToken.revoke('access_token')
  console.log(JSON.stringify({ token }))
} catch (refusal) {
  console.log(JSON.stringify({ refusal: refusal.message, cause: refusal.data.payload }))
}
