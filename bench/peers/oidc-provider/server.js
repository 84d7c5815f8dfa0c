// oidc-provider with the clients of the benchmark; tokens in its own memory adapter, or in PostgreSQL.
// Environment: PORT, ACTORS (a JSON file, see bench/place.py), and PGHOST, PGDATABASE, PGUSER to use PostgreSQL.
import { readFileSync } from 'node:fs'

import Provider from 'oidc-provider'

const { issuer, scope, clients } = JSON.parse(readFileSync(process.env.ACTORS, 'utf8'))

const common = { grant_types: ['client_credentials'], redirect_uris: [], response_types: [], scope }

function client({ client_id, client_secret, jwk, alg }) {
  return client_secret
    ? { ...common, client_id, client_secret, token_endpoint_auth_method: 'client_secret_basic' }
    : {
        ...common,
        client_id,
        jwks: { keys: [jwk] },
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: alg,
      }
}

const adapter = process.env.PGHOST ? (await import('./postgres.js')).default : undefined

const provider = new Provider(issuer, {
  adapter,
  clients: Object.values(clients).map(client),
  scopes: [scope],
  ttl: { ClientCredentials: 3600 },
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    devInteractions: { enabled: false },
  },
})

provider.on('server_error', (_ctx, error) => console.error(error))
provider.listen(Number(process.env.PORT), '127.0.0.1')
