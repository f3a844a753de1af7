// @platformatic/kafka against a broker.
import './records.mjs'
import './admin.mjs'
import './groups.mjs'
import './transactions.mjs'
import { main } from './harness.mjs'

await main()
