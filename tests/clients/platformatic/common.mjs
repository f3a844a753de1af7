// Clients and topics for the tests of @platformatic/kafka.
import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { bootstrap, name, until } from './harness.mjs'

const base = { bootstrapBrokers: [bootstrap], clientId: 'suite', retries: 5, retryDelay: 100, strict: false }

async function using (client, use) {
  try {
    return await use(client)
  } finally {
    await (client instanceof Admin ? client.close() : client.close(true))
  }
}

export const withAdmin = (use) => using(new Admin(base), use)

export function withProducer (settings, use) {
  return using(new Producer({ ...base, serializers: stringSerializers, ...settings }), use)
}

export function makeConsumer (settings = {}) {
  return new Consumer({
    ...base, deserializers: stringDeserializers, groupId: name('unused'), maxWaitTime: 100, autocommit: false,
    heartbeatInterval: 300, sessionTimeout: 10000, rebalanceTimeout: 10000, ...settings
  })
}

export const withConsumer = (settings, use) => using(makeConsumer(settings), use)

export async function createTopic (stem, partitions = 1, configs = {}) {
  const topic = name(stem)
  const list = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
  await withAdmin((admin) => admin.createTopics({ topics: [topic], partitions, replicas: 1, configs: list }))
  return topic
}

export const send = (producer, topic, texts, settings = {}) =>
  producer.send({ messages: texts.map((text) => ({ topic, key: text, value: text })), ...settings })

export const produce = (topic, texts, settings = {}) =>
  withProducer({}, (producer) => send(producer, topic, texts, settings))

let readers = 0

// Every record from the beginning on, until `count` of them are there.
export function readAll (topic, count, settings = {}) {
  return withConsumer({ groupId: name(`reader-${readers++}`), ...settings }, async (consumer) => {
    const found = []
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest' })
    let error
    stream.on('error', (failure) => { error = failure })
    stream.on('data', (message) => found.push(message))
    await until(`${count} records of ${topic}`, () => {
      if (error) throw error
      return found.length >= count
    })
    await stream.close()
    return found.sort((a, b) => a.partition - b.partition || Number(a.offset - b.offset))
  })
}

export const values = (records) => records.map((record) => record.value)
