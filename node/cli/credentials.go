package cli

import (
	"crypto/rand"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"dormouse/codec/platform"
)

const credentialsUsage = `Usage:
  dormouse credentials add ENDPOINT PSK_ID [KEY_HEX] [--replace] [--generate]
  dormouse credentials list
  dormouse credentials remove ENDPOINT

The pre-shared keys that endpoints prove themselves with over DTLS, at a node
that is running. Without KEY_HEX the key is read from the standard input, in hex
digits, so that it does not stand in the list of processes. Keys are not shown
again.

  --replace   in place of the credentials that the endpoint has
  --generate  a random key of 16 bytes, which is printed once
  --api URL   where the node's API is (DORMOUSE_API; ` + DefaultAPI + `)
`

// generated is the length of a key that is made here, in bytes: AES-128's.
const generated = 16

// credentialsCommand is what `dormouse credentials` was asked to do.
type credentialsCommand struct {
	System
	api               *api
	arguments         []string
	replace, generate bool
}

// Credentials runs `dormouse credentials` with the arguments behind it.
func Credentials(args []string, system System) int {
	return system.status("credentials", credentialsUsage, runCredentials(args, system))
}

func runCredentials(args []string, system System) (err error) {
	c := credentialsCommand{System: system}
	flags := flag.NewFlagSet("credentials", flag.ContinueOnError)
	flags.BoolVar(&c.replace, "replace", false, "")
	flags.BoolVar(&c.generate, "generate", false, "")
	address := flags.String("api", "", "")
	if c.arguments, err = parse(flags, args); err != nil {
		return err
	}
	if c.api, err = newAPI(*address, system.Getenv); err != nil {
		return err
	}
	if len(c.arguments) == 0 {
		return wrong("what is to be done is missing: add, list or remove")
	}
	what := c.arguments[0]
	c.arguments = c.arguments[1:]
	if what != "add" && (c.replace || c.generate) {
		return wrong("--replace and --generate belong to add")
	}
	switch what {
	case "add":
		return c.add()
	case "list":
		return c.list()
	case "remove":
		return c.remove()
	}
	return wrong("%q is none of add, list and remove", what)
}

func (c *credentialsCommand) add() error {
	if n := len(c.arguments); n < 2 || n > 3 {
		return wrong("add wants an endpoint and a PSK identity, and perhaps a key")
	}
	wanted := platform.NewCredentials{Endpoint: c.arguments[0], Identity: c.arguments[1]}
	if wanted.Endpoint == "" || wanted.Identity == "" {
		return wrong("the endpoint and the PSK identity must not be empty")
	}
	if !utf8.ValidString(wanted.Endpoint + wanted.Identity) { // JSON would make others of them
		return wrong("the endpoint and the PSK identity must be UTF-8")
	}
	var err error
	if wanted.Key, err = c.key(); err != nil {
		return err
	}
	method, path := http.MethodPost, platform.CredentialsPath
	if c.replace {
		method, path = http.MethodPut, platform.CredentialsAddress(wanted.Endpoint)
	}
	if _, err := c.api.do(method, path, wanted.Append(nil)); err != nil {
		return err
	}
	if c.generate {
		fmt.Fprintln(c.Out, hex.EncodeToString(wanted.Key))
	}
	fmt.Fprintf(c.Err, "%s proves itself as %s.\n", shown(wanted.Endpoint), shown(wanted.Identity))
	return nil
}

// key is that of the arguments, one that is made, or that of the input.
func (c *credentialsCommand) key() ([]byte, error) {
	switch given := len(c.arguments) == 3; {
	case given && c.generate:
		return nil, wrong("--generate makes a key, and there is one already")
	case given:
		return keyOf(c.arguments[2])
	case c.generate:
		key := make([]byte, generated)
		rand.Read(key) // never fails (crypto/rand)
		return key, nil
	}
	c.prompt()
	text, err := io.ReadAll(io.LimitReader(c.In, 4*platform.MaxKey))
	if err != nil {
		return nil, fmt.Errorf("reading the key: %w", err)
	}
	return keyOf(strings.TrimSpace(string(text)))
}

// prompt says what is waited for where a person types it.
func (c *credentialsCommand) prompt() {
	file, ok := c.In.(*os.File)
	if !ok {
		return
	}
	if info, err := file.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprintln(c.Err, "The key in hex digits, and then the end of the input (Ctrl-D):")
	}
}

// keyOf reads hex digits; the sentence says nothing of them.
func keyOf(digits string) ([]byte, error) {
	key, err := platform.ParseKey(digits)
	if err != nil {
		return nil, wrong("the key must be hex digits, an even number from 2 to %d", 2*platform.MaxKey)
	}
	return key, nil
}

func (c *credentialsCommand) remove() error {
	if len(c.arguments) != 1 || c.arguments[0] == "" {
		return wrong("remove wants an endpoint")
	}
	if _, err := c.api.do(http.MethodDelete, platform.CredentialsAddress(c.arguments[0]), nil); err != nil {
		return err
	}
	fmt.Fprintf(c.Err, "%s has no credentials any more.\n", shown(c.arguments[0]))
	return nil
}

func (c *credentialsCommand) list() error {
	if len(c.arguments) > 0 {
		return wrong("list wants no arguments")
	}
	table := tabwriter.NewWriter(c.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ENDPOINT\tPSK ID\tCHANGED")
	for cursor := ""; ; {
		page, err := c.page(cursor)
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			credentials, err := platform.ParseCredentials(item)
			if err != nil {
				return fmt.Errorf("reading the list: %w", err)
			}
			fmt.Fprintf(table, "%s\t%s\t%s\n", shown(credentials.Endpoint), shown(credentials.Identity), platform.AppendTime(nil, credentials.Updated))
		}
		if err := table.Flush(); err != nil {
			return fmt.Errorf("writing the list: %w", err)
		}
		if cursor = cursorOf(page.Next); cursor == "" {
			return nil
		}
	}
}

func (c *credentialsCommand) page(cursor string) (platform.Collection, error) {
	query := url.Values{"pageSize": {strconv.Itoa(platform.MaxPageSize)}}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	body, err := c.api.do(http.MethodGet, platform.CredentialsPath+"?"+query.Encode(), nil)
	if err != nil {
		return platform.Collection{}, err
	}
	page, err := platform.ParseCollection(body, platform.CredentialsList)
	if err != nil {
		return page, fmt.Errorf("reading the list: %w", err)
	}
	return page, nil
}

// cursorOf takes the cursor out of the link to the next page, "" for none.
func cursorOf(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	return u.Query().Get("cursor")
}

// shown is a name as a terminal may show it: quoted where it could move the
// cursor, or be taken for several words.
func shown(name string) string {
	if quoted := strconv.Quote(name); quoted != `"`+name+`"` || strings.Contains(name, " ") {
		return quoted
	}
	return name
}
