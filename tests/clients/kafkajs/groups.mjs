// Consumer groups: members come and go while records flow.
import { createTopic, kafka, produce, send, withAdmin, withProducer } from './common.mjs'
import { equal, name, numbered, test, until } from './harness.mjs'

const PARTITIONS = 6

class Member {
  constructor (groupId, topic) {
    this.seen = new Set()
    this.assigned = 0
    this.consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100, heartbeatInterval: 300, sessionTimeout: 10000, rebalanceTimeout: 10000 })
    this.consumer.on(this.consumer.events.GROUP_JOIN, ({ payload }) => { this.assigned = payload.memberAssignment[topic]?.length ?? 0 })
    this.ready = this.join(topic)
  }

  async join (topic) {
    await this.consumer.connect()
    await this.consumer.subscribe({ topic, fromBeginning: true })
    await this.consumer.run({
      autoCommitInterval: 50,
      eachMessage: async ({ message }) => { this.seen.add(message.value.toString()) }
    })
  }

  async leave () {
    await this.ready
    await this.consumer.disconnect()
  }
}

test('group_rebalance_under_load', async () => {
  const topic = await createTopic('rebalance', PARTITIONS)
  const groupId = name('rebalance')
  let produced = 0
  await withProducer({ idempotent: true, maxInFlightRequests: 1 }, async (producer) => {
    const flow = (what, done) => until(what, async () => {
      await send(producer, topic, numbered(5, `value ${produced} `))
      produced += 5
      return done()
    })
    const members = [new Member(groupId, topic)]
    await flow('the first member to read', () => members[0].seen.size > 100)
    members.push(new Member(groupId, topic))
    await flow('two members to share', () => members[1].seen.size > 50 && members[0].assigned === 3)
    members.push(new Member(groupId, topic))
    await flow('three members to share', () => members[2].seen.size > 50 && members[0].assigned === 2 && members[1].assigned === 2)
    await members[0].leave()
    await flow('the others to take over', () => members[1].assigned === 3 && members[2].assigned === 3)
    await until('every record read by somebody', () => new Set(members.flatMap((member) => [...member.seen])).size === produced)
    await members[1].leave()
    await members[2].leave()
  })
  const [{ partitions }] = await withAdmin((admin) => admin.fetchOffsets({ groupId, topics: [topic] }))
  equal(partitions.reduce((sum, one) => sum + Number(one.offset), 0), produced, 'offsets committed')
  await produce(topic, numbered(20, 'late '))
  const late = new Member(groupId, topic)
  await until('the late member to read', () => late.seen.size >= 20)
  await late.leave()
  equal([...late.seen].sort(), numbered(20, 'late ').sort(), 'what the late member read')
})
