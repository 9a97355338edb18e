// Lints the schema named first; prints each finding on a line, and a last line that says how many rules were tried.
import { execFileSync } from 'node:child_process'

const rules = [
  'arguments-have-descriptions', 'defined-types-are-used', 'deprecations-have-a-reason', 'descriptions-are-capitalized', 'enum-values-all-caps',
  'enum-values-have-descriptions', 'fields-are-camel-cased', 'fields-have-descriptions', 'input-object-values-are-camel-cased',
  'input-object-values-have-descriptions', 'relay-connection-arguments-spec', 'relay-connection-types-spec', 'relay-page-info-spec',
  'types-are-capitalized', 'types-have-descriptions',
]
let out
try {
  out = execFileSync('node_modules/.bin/graphql-schema-linter', ['--format', 'json', '--rules', rules.join(','), process.argv[2]], { encoding: 'utf8' })
} catch (e) {
  if (!e.stdout) throw e
  out = e.stdout
}
for (const e of JSON.parse(out).errors) console.log(`${e.rule}: ${e.message} (line ${e.location.line})`)
console.log(`${rules.length} rules`)
