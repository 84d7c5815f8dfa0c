// oidc-provider as the provider of contacts' accounts. Its configuration is that of an ordinary provider; only its
// sign-in page asks nothing: it signs in whoever stands in the file PERSON (JSON: sub, and perhaps acr, ts, deny),
// or, while that file is missing, shows a form. Environment: PORT (0: a free one), PERSON, CLIENT_ID, CLIENT_SECRET,
// REDIRECT_URIS (a JSON list). Prints its issuer once it listens.
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'

import Provider from 'oidc-provider'

const { PERSON, CLIENT_ID, CLIENT_SECRET, REDIRECT_URIS } = process.env
const server = createServer()
await new Promise((done) => server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', done))
const issuer = `http://127.0.0.1:${server.address().port}`

const provider = new Provider(issuer, {
  clients: [{ client_id: CLIENT_ID, client_secret: CLIENT_SECRET, redirect_uris: JSON.parse(REDIRECT_URIS) }],
  acrValues: ['urn:example:silver', 'urn:example:gold'],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], acr: null, auth_time: null, sid: null },
  conformIdTokenClaims: false,
  features: { devInteractions: { enabled: false } },
  findAccount: (_ctx, sub) => ({
    accountId: sub,
    claims: () => ({ ...(existsSync(PERSON) ? JSON.parse(readFileSync(PERSON, 'utf8')).claims : {}), sub }),
  }),
  // Keydesk is the organisation's own: no page asks for a consent.
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    })
    grant.addOIDCScope('openid email')
    await grant.save()
    return grant
  },
  interactions: { url: (_ctx, interaction) => `/sign-in/${interaction.uid}` },
  ttl: { Session: 3600, Interaction: 600, Grant: 3600, AccessToken: 60, IdToken: 60 },
})
provider.on('server_error', (_ctx, error) => console.error(error))

const FORM = `<!doctype html><html lang="en"><title>Example account</title><h1>Example account</h1>
<form><label>Account <input name="sub" value="lotte"></label><button>Sign in</button></form></html>`
const handle = provider.callback()

server.on('request', async (request, response) => {
  const address = new URL(request.url, issuer)
  if (!address.pathname.startsWith('/sign-in/')) {
    handle(request, response)
    return
  }
  const typed = address.searchParams.get('sub')
  const person = existsSync(PERSON) ? JSON.parse(readFileSync(PERSON, 'utf8')) : typed && { sub: typed }
  if (!person) {
    response.setHeader('Content-Type', 'text/html; charset=utf-8').end(FORM)
    return
  }
  const { sub, acr, ts, deny } = person
  const result = deny ? { error: 'access_denied' } : { login: { accountId: sub, acr, ts } }
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
})
console.log(issuer)
