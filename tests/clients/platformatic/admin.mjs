// The admin client.
import { ConfigResourceTypes, IncrementalAlterConfigOperationTypes as Operations } from '@platformatic/kafka'
import { createTopic, produce, readAll, withAdmin, withConsumer } from './common.mjs'
import { equal, fails, holds, name, numbered, test, until } from './harness.mjs'

const isCode = (code) => (error) => error.apiId === code || error.message?.includes(code)

test('admin_create_describe_delete_topics', () => withAdmin(async (admin) => {
  const topic = await createTopic('topics', 3)
  holds((await admin.listTopics()).includes(topic), 'the topic in the list')
  await fails(admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 }), isCode('TOPIC_ALREADY_EXISTS'), 'TOPIC_ALREADY_EXISTS')
  await admin.createPartitions({ topics: [{ name: topic, count: 5, assignments: null }] })
  await until('five partitions', async () =>
    (await admin.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic).partitionsCount === 5)
  await admin.deleteTopics({ topics: [topic] })
  await until('the topic to be gone', async () => !(await admin.listTopics()).includes(topic))
}))

test('admin_configs', () => withAdmin(async (admin) => {
  const topic = await createTopic('configs', 1, { 'retention.ms': '3600000' })
  const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic }
  const value = async (key) => (await admin.describeConfigs({ resources: [{ ...resource, configurationKeys: [key] }] }))[0].configs[0]?.value
  equal(await value('retention.ms'), '3600000', 'retention.ms')
  await admin.incrementalAlterConfigs({
    resources: [{ ...resource, configs: [{ name: 'retention.ms', configOperation: Operations.SET, value: '7200000' }] }]
  })
  await until('the new value', async () => await value('retention.ms') === '7200000')
}))

test('admin_delete_records', () => withAdmin(async (admin) => {
  const topic = await createTopic('delete-records')
  await produce(topic, numbered(100))
  const [{ partitions }] = await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 60n }] }] })
  equal(partitions[0].lowWatermark, 60n, 'low watermark')
  equal((await readAll(topic, 40))[0].offset, 60n, 'first offset')
}))

test('admin_groups', () => withAdmin(async (admin) => {
  const topic = await createTopic('groups')
  const groupId = name('groups')
  await produce(topic, numbered(10))
  await withConsumer({ groupId }, async (consumer) => {
    let count = 0
    const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest' })
    stream.on('data', (message) => { count++; message.commit() })
    await until('ten records', () => count === 10)
    const described = (await admin.describeGroups({ groups: [groupId] })).get(groupId)
    equal([described.state, described.members.size], ['STABLE', 1], 'the group')
    holds((await admin.listGroups()).has(groupId), 'the group in the list')
    const committed = async () =>
      (await admin.listConsumerGroupOffsets({ groups: [groupId] }))[0].topics[0]?.partitions[0].committedOffset
    await until('the committed offset', async () => await committed() === 10n)
    await stream.close()
  })
  await admin.alterConsumerGroupOffsets({ groupId, topics: [{ name: topic, partitionOffsets: [{ partition: 0, offset: 4n }] }] })
  const [group] = await admin.listConsumerGroupOffsets({ groups: [groupId] })
  equal(group.topics[0].partitions[0].committedOffset, 4n, 'offset set by hand')
  await admin.deleteConsumerGroupOffsets({ groupId, topics: [{ name: topic, partitionIndexes: [0] }] })
  await admin.deleteGroups({ groups: [groupId] })
  holds(!(await admin.listGroups()).has(groupId), 'the group to be gone')
}))

test('admin_log_dirs', () => withAdmin(async (admin) => {
  const topic = await createTopic('log-dirs')
  await produce(topic, numbered(10))
  const [broker] = await admin.describeLogDirs({ topics: [{ name: topic, partitions: [0] }] })
  equal(broker.results[0].topics[0].name, topic, 'topic')
}))
