// client-oauth2: never form-encodes, and sends an empty `scope=` for an empty list of scopes.
import ClientOAuth2 from 'client-oauth2'

const { SERVER, CLIENT_ID, CLIENT_SECRET, SCOPE } = process.env

const client = new ClientOAuth2({
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  accessTokenUri: `${SERVER}/oauth/v2/token`,
  scopes: SCOPE ? SCOPE.split(' ') : []
})
try {
  const token = await client.credentials.getToken()
  console.log(JSON.stringify({ token: token.data }))
} catch (refusal) {
  console.log(JSON.stringify({ refusal: refusal.code, cause: refusal.body }))
}
