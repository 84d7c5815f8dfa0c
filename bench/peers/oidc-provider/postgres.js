// The smallest adapter that keeps what client_credentials needs in PostgreSQL: tokens and spent assertions.
import pg from 'pg'

const pool = new pg.Pool({ max: 16 })
await pool.query(`CREATE TABLE IF NOT EXISTS oidc_payload (
  id text PRIMARY KEY, payload jsonb NOT NULL, expires_at timestamptz NOT NULL)`)

export default class PostgresAdapter {
  constructor(model) {
    this.model = model
  }

  async upsert(id, payload, expiresIn) {
    await pool.query({
      name: 'upsert',
      text: `INSERT INTO oidc_payload VALUES ($1, $2, now() + $3 * interval '1 second')
             ON CONFLICT (id) DO UPDATE SET payload = excluded.payload, expires_at = excluded.expires_at`,
      values: [`${this.model}:${id}`, payload, expiresIn],
    })
  }

  async find(id) {
    const { rows } = await pool.query({
      name: 'find',
      text: 'SELECT payload FROM oidc_payload WHERE id = $1 AND expires_at > now()',
      values: [`${this.model}:${id}`],
    })
    return rows[0]?.payload
  }

  async destroy(id) {
    await pool.query('DELETE FROM oidc_payload WHERE id = $1', [`${this.model}:${id}`])
  }
}
