package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

func recordTests() []test {
	codecs := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	var tests []test
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		tests = append(tests, test{"compression_" + codec, func(ctx context.Context) error { return compression(ctx, codec, codecs[codec]) }})
	}
	return append(tests, test{"headers_and_nulls", headersAndNulls}, test{"records_near_a_million_bytes", big},
		test{"record_above_the_limit_is_refused", tooBig}, test{"offsets_beginning_end_and_by_time", offsets})
}

func expectValues(records []*kgo.Record, expected []string) error {
	if len(records) != len(expected) {
		return fmt.Errorf("expected %d records, got %d", len(expected), len(records))
	}
	for i, record := range records {
		if string(record.Value) != expected[i] {
			return fmt.Errorf("record %d: expected %q, got %q", i, expected[i], record.Value)
		}
	}
	return nil
}

func compression(ctx context.Context, codec string, setting kgo.CompressionCodec) error {
	topic, err := createTopic(ctx, "compression-"+codec, 1, nil)
	if err != nil {
		return err
	}
	sent := numbered(500, "a text that repeats, repeats, repeats ")
	if err := produce(ctx, topic, sent, kgo.ProducerBatchCompression(setting)); err != nil {
		return err
	}
	found, err := readAll(ctx, topic)
	if err != nil {
		return err
	}
	return expectValues(found, sent)
}

func headersAndNulls(ctx context.Context) error {
	topic, err := createTopic(ctx, "headers", 1, nil)
	if err != nil {
		return err
	}
	sent := []*kgo.Record{
		{Topic: topic, Key: nil, Value: []byte{}, Headers: []kgo.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "null"}, {Key: "a", Value: []byte{}}}},
		{Topic: topic, Key: []byte{}, Value: nil},
		{Topic: topic, Key: []byte("k"), Value: []byte("v")},
	}
	c, err := client()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.ProduceSync(ctx, sent...).FirstErr(); err != nil {
		return err
	}
	found, err := readAll(ctx, topic)
	if err != nil {
		return err
	}
	if len(found) != len(sent) {
		return fmt.Errorf("expected %d records, got %d", len(sent), len(found))
	}
	for i, record := range found {
		same := (record.Key == nil) == (sent[i].Key == nil) && (record.Value == nil) == (sent[i].Value == nil) &&
			bytes.Equal(record.Key, sent[i].Key) && bytes.Equal(record.Value, sent[i].Value) && len(record.Headers) == len(sent[i].Headers)
		for j := 0; same && j < len(record.Headers); j++ {
			ours, theirs := sent[i].Headers[j], record.Headers[j]
			same = ours.Key == theirs.Key && bytes.Equal(ours.Value, theirs.Value) && (ours.Value == nil) == (theirs.Value == nil)
		}
		if !same {
			return fmt.Errorf("record %d: expected %v, got %v", i, sent[i], record)
		}
	}
	return nil
}

func big(ctx context.Context) error {
	topic, err := createTopic(ctx, "big", 1, nil)
	if err != nil {
		return err
	}
	sent := []string{string(bytes.Repeat([]byte("b"), 495000)), string(bytes.Repeat([]byte("c"), 495000))}
	if err := produce(ctx, topic, sent, kgo.ProducerBatchCompression(kgo.NoCompression())); err != nil {
		return err
	}
	found, err := readAll(ctx, topic, kgo.FetchMaxPartitionBytes(1000), kgo.FetchMaxBytes(1000))
	if err != nil {
		return err
	}
	return expectValues(found, sent)
}

func tooBig(ctx context.Context) error {
	topic, err := createTopic(ctx, "too-big", 1, nil)
	if err != nil {
		return err
	}
	c, err := client(kgo.ProducerBatchMaxBytes(4000000), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		return err
	}
	defer c.Close()
	huge := &kgo.Record{Topic: topic, Value: bytes.Repeat([]byte("x"), 2000000)}
	if err := c.ProduceSync(ctx, huge).FirstErr(); !errors.Is(err, kerr.MessageTooLarge) {
		return fmt.Errorf("expected MESSAGE_TOO_LARGE, got %v", err)
	}
	return produce(ctx, topic, []string{"small"})
}

func offsets(ctx context.Context) error {
	topic, err := createTopic(ctx, "times", 1, nil)
	if err != nil {
		return err
	}
	c, err := client()
	if err != nil {
		return err
	}
	defer c.Close()
	start := time.UnixMilli(1700000000000)
	for i := range 100 {
		record := &kgo.Record{Topic: topic, Value: []byte("v"), Timestamp: start.Add(time.Duration(i) * time.Second)}
		if err := c.ProduceSync(ctx, record).FirstErr(); err != nil {
			return err
		}
	}
	admin := kadm.NewClient(c)
	expect := func(what string, expected int64, found kadm.ListedOffsets, err error) error {
		if err != nil {
			return err
		}
		if at, _ := found.Lookup(topic, 0); at.Err != nil || at.Offset != expected {
			return fmt.Errorf("%s: expected offset %d, got %d (%v)", what, expected, at.Offset, at.Err)
		}
		return nil
	}
	starts, err1 := admin.ListStartOffsets(ctx, topic)
	ends, err2 := admin.ListEndOffsets(ctx, topic)
	between, err3 := admin.ListOffsetsAfterMilli(ctx, start.UnixMilli()+41001, topic)
	largest, err4 := admin.ListMaxTimestampOffsets(ctx, topic)
	return errors.Join(expect("start", 0, starts, err1), expect("end", 100, ends, err2), expect("between", 42, between, err3),
		expect("largest time", 99, largest, err4))
}
