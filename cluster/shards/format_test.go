package shards

import (
	"encoding/hex"
	"errors"
	"reflect"
	"testing"

	pb "go.etcd.io/raft/v3/raftpb"

	"dormouse/codec/ids"
)

func golden(t *testing.T, what string, got []byte, want string) {
	t.Helper()
	if hex.EncodeToString(got) != want {
		t.Errorf("%s: %x, want %s", what, got, want)
	}
}

// TestFormats holds the bytes of docs/formats/raft.md.
func TestFormats(t *testing.T) {
	golden(t, "mark", mark{300, 7}.append(nil), "01ac0207")
	golden(t, "hard state", appendHard(nil, pb.HardState{Term: 7, Vote: 1, Commit: 300}), "010701ac02")
	golden(t, "members", appendConf(nil, pb.ConfState{Voters: []uint64{1, 2}, Learners: []uint64{3}}),
		"0102"+"0000000000000001"+"0000000000000002"+"01"+"0000000000000003")
	golden(t, "entry", appendEntry(nil, &pb.Entry{Type: pb.EntryConfChange, Term: 300, Data: []byte("xy")}), "0101ac027879")
	frame := appendGone(nil, 2048, mark{300, 7})
	golden(t, "gone", frame, "01"+"02"+"0800"+"03"+"ac0207")
	golden(t, "lost", appendLost(frame, 1, mark{1, 1}), "01"+"02"+"0800"+"03"+"ac0207"+"03"+"0001"+"02"+"0101")
}

func TestRecordsBothWaysAndCut(t *testing.T) {
	conf := pb.ConfState{Voters: []uint64{1, 2}, Learners: []uint64{3}}
	raw := appendConf(nil, conf)
	if got, err := parseConf(raw); err != nil || !reflect.DeepEqual(got, conf) {
		t.Errorf("%+v, %v", got, err)
	}
	hard := appendHard(nil, pb.HardState{Term: 7, Vote: 1, Commit: 300})
	if got, err := parseHard(hard); err != nil || got.Commit != 300 {
		t.Errorf("%+v, %v", got, err)
	}
	for n := range raw {
		if _, err := parseConf(raw[:n]); !errors.Is(err, errRecord) {
			t.Errorf("members cut at %d: %v", n, err)
		}
	}
	for n := range hard {
		if _, err := parseHard(hard[:n]); !errors.Is(err, errRecord) {
			t.Errorf("hard state cut at %d: %v", n, err)
		}
	}
	for _, other := range [][]byte{append([]byte{2}, raw[1:]...), append(raw[:len(raw):len(raw)], 0)} {
		if _, err := parseConf(other); !errors.Is(err, errRecord) {
			t.Errorf("%x: %v", other, err)
		}
	}
}

func TestFrames(t *testing.T) {
	m := pb.Message{Type: pb.MsgApp, From: 1, To: 2, Term: 3, Entries: []pb.Entry{{Term: 3, Index: 4, Data: []byte("x")}}}
	frame, err := appendMessage(nil, 5, &m)
	if err != nil {
		t.Fatal(err)
	}
	frame = append(frame, 9, 0, 1, 1, 0xff) // of a kind that is not known
	list, err := parseFrame(1, frame)
	if err != nil || len(list) != 1 || list[0].shard != 5 || !reflect.DeepEqual(list[0].msg, m) {
		t.Errorf("%+v, %v", list, err)
	}
	for name, f := range map[string]struct {
		from  uint64
		frame []byte
	}{
		"of another node":  {2, frame},
		"of version 2":     {1, append([]byte{2}, frame[1:]...)},
		"cut":              {1, frame[:len(frame)-1]},
		"without an entry": {1, []byte{1, kindGone, 0, 0, 2, 0, 0}},
	} {
		if list, err := parseFrame(0, nil); err == nil || list != nil {
			t.Error("an empty frame")
		}
		if _, err := parseFrame(ids.Node(f.from), f.frame); !errors.Is(err, ErrFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseFrame(f *testing.F) {
	m := pb.Message{Type: pb.MsgHeartbeat, From: 1, To: 2, Term: 3, Commit: 9}
	frame, err := appendMessage(nil, 5, &m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(appendGone(frame, 1, mark{1, 1}))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := parseFrame(1, data)
		if err != nil && list != nil {
			t.Errorf("%d messages and %v", len(list), err)
		}
	})
}

func FuzzRecords(f *testing.F) {
	f.Add(appendConf(nil, pb.ConfState{Voters: []uint64{1}}))
	f.Add(appendHard(nil, pb.HardState{Term: 1}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := parseConf(data); err == nil {
			if again, err := parseConf(appendConf(nil, c)); err != nil || !reflect.DeepEqual(again, c) {
				t.Errorf("%+v became %+v, %v", c, again, err)
			}
		}
		_, _ = parseHard(data)
		_, _ = parseMark(data)
		_, _ = parseEntry(1, data)
	})
}
