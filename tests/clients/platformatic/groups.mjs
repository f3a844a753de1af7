// Consumer groups: members come and go while records flow.
import { createTopic, makeConsumer, produce, send, withAdmin, withProducer } from './common.mjs'
import { equal, name, numbered, test, until } from './harness.mjs'

const PARTITIONS = 6

class Member {
  constructor (groupId, topic) {
    this.seen = new Set()
    this.topic = topic
    this.consumer = makeConsumer({ groupId })
  }

  async join () {
    this.stream = await this.consumer.consume({ topics: [this.topic], mode: 'committed', fallbackMode: 'earliest' })
    this.stream.on('error', (error) => { this.error = error })
    this.reading = this.read()
    return this
  }

  // One record at a time, each committed before the next is taken.
  async read () {
    for await (const message of this.stream) {
      this.seen.add(message.value)
      // Refused while the group rebalances: the next owner reads that record again.
      await message.commit().catch(() => {})
    }
  }

  assigned () {
    return this.consumer.assignments?.find((one) => one.topic === this.topic)?.partitions.length ?? 0
  }

  async leave () {
    await this.stream.close()
    await this.reading.catch(() => {})
    await this.consumer.close(true)
  }
}

test('group_rebalance_under_load', async () => {
  const topic = await createTopic('rebalance', PARTITIONS)
  const groupId = name('rebalance')
  let produced = 0
  await withProducer({ idempotent: true }, async (producer) => {
    const flow = (what, done) => until(what, async () => {
      await send(producer, topic, numbered(2, `value ${produced} `))
      produced += 2
      return done()
    })
    const first = await new Member(groupId, topic).join()
    await flow('the first member to read', () => first.seen.size > 50)
    const second = await new Member(groupId, topic).join()
    await flow('two members to share', () => second.seen.size > 20 && first.assigned() === 3)
    const third = await new Member(groupId, topic).join()
    await flow('three members to share', () => third.seen.size > 20 && first.assigned() === 2 && second.assigned() === 2)
    await first.leave()
    await flow('the others to take over', () => second.assigned() === 3 && third.assigned() === 3)
    await until('every record read by somebody', () => new Set([...first.seen, ...second.seen, ...third.seen]).size === produced)
    const total = async () => {
      const [group] = await withAdmin((admin) => admin.listConsumerGroupOffsets({ groups: [groupId] }))
      return group.topics[0].partitions.reduce((sum, one) => sum + Number(one.committedOffset), 0)
    }
    await until(`offsets of ${produced} to be committed`, async () => await total() === produced)
    await second.leave()
    await third.leave()
  })
  await produce(topic, numbered(20, 'late '))
  const late = await new Member(groupId, topic).join()
  await until('the late member to read', () => late.seen.size >= 20)
  await late.leave()
  equal([...late.seen].sort(), numbered(20, 'late ').sort(), 'what the late member read')
})
