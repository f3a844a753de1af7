// kafkajs against a broker.
import { installCodecs } from './codecs.mjs'
import { main } from './harness.mjs'

await installCodecs()
await import('./records.mjs')
await import('./admin.mjs')
await import('./groups.mjs')
await import('./transactions.mjs')
await main()
