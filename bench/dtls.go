package main

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"

	"dormouse/bench/device/secure"
	"dormouse/codec/dtlsrec"
)

// Where dormouse listens by default, on this machine.
const (
	defaultCoAP  = "127.0.0.1:5783"
	defaultCoAPS = "127.0.0.1:5784"
)

// dtlsFlags are what commands with devices have for DTLS.
type dtlsFlags struct {
	on                  bool
	identity, key, seed string
	suite               string
	cid                 bool
	rebind              int
}

func (f *dtlsFlags) define(flags *flag.FlagSet) {
	flags.BoolVar(&f.on, "dtls", false, "speak DTLS 1.2 with pre-shared keys")
	flags.StringVar(&f.identity, "psk-identity", "{endpoint}", "of the devices' keys; {endpoint} is the name of the device")
	flags.StringVar(&f.key, "psk-key", "", "of all devices, hex digits (default: each has one that is made from --psk-seed and its identity)")
	flags.StringVar(&f.seed, "psk-seed", "", "what keys are made from: the same seed makes the same keys")
	flags.StringVar(&f.suite, "suite", "ccm8", "cipher suites to offer, best first: ccm8, ccm, gcm, cbc (with --cid=false)")
	flags.BoolVar(&f.cid, "cid", true, "offer a Connection ID: the session survives a change of address")
	flags.IntVar(&f.rebind, "rebind-every", 0, "send from another address after so many messages, as behind a NAT that forgets; 0: never")
}

var suiteNames = map[string]dtlsrec.Suite{
	"ccm8": dtlsrec.CCM8, "ccm": dtlsrec.CCM, "gcm": dtlsrec.GCM, "cbc": dtlsrec.CBCSHA256,
}

// errNoDTLS is told of flags that would do nothing.
var errNoDTLS = errors.New("--provision and --rebind-every want --dtls")

// read is what the flags say. Errors quote no key.
func (f *dtlsFlags) read() (c secure.Credentials, suites []dtlsrec.Suite, err error) {
	for _, name := range split(f.suite) {
		suite, known := suiteNames[strings.ToLower(name)]
		if !known {
			return c, nil, fmt.Errorf("%q is none of ccm8, ccm, gcm and cbc", name)
		}
		suites = append(suites, suite)
	}
	if f.cid && slices.Contains(suites, dtlsrec.CBCSHA256) {
		return c, nil, errors.New("--suite cbc wants --cid=false: pion's MAC is not that of RFC 9146 there")
	}
	c = secure.Credentials{Identity: f.identity, Seed: f.seed}
	if f.key == "" {
		return c, suites, nil
	}
	if c.Key, err = hex.DecodeString(f.key); err != nil { // whose text quotes a digit
		return c, nil, errors.New("reading --psk-key: no hex digits, or an odd number of them")
	}
	return c, suites, nil
}
