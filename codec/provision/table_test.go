package provision

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the documentation of fields anew")

// checkTable has what the code relies on.
func checkTable[T any](t *testing.T, table *table[T]) {
	t.Helper()
	names, tags, closed := map[string]bool{}, map[byte]bool{}, map[string]bool{}
	group := ""
	for i := range table.columns {
		c := &table.columns[i]
		if names[c.Name] || c.Name == "" {
			t.Errorf("the name %q stands twice, or not at all", c.Name)
		}
		names[c.Name] = true
		if stored := c.Kind != KindKey && c.Need != NeedLater; stored != (c.tag != 0) || c.tag == serversTag || stored && tags[c.tag] {
			t.Errorf("%s: tag %d", c.Name, c.tag)
		}
		tags[c.tag] = true
		if c.Group != group {
			closed[group] = true
			if group = c.Group; group != "" && closed[group] {
				t.Errorf("the fields of %s do not stand together", group)
			}
		}
		if !regexp.MustCompile(`^[A-Z/].*[^.]\.$`).MatchString(c.Description) {
			t.Errorf("%s: no sentence: %q", c.Name, c.Description)
		}
		if ranged := c.Kind == KindInteger || c.Kind == KindText || c.Kind == KindURI || c.Kind == KindBytes || c.Kind == KindKey; ranged && c.Max == 0 && c.Need != NeedLater {
			t.Errorf("%s has no bound", c.Name)
		}
		if (c.Kind == KindChoice) != (c.Values != nil) || (c.Kind == KindURI) != (c.Schemes != nil) {
			t.Errorf("%s: values %v, schemes %v", c.Name, c.Values, c.Schemes)
		}
		if c.Unit != "" && units[c.Unit] == "" {
			t.Errorf("%s: unit %q", c.Name, c.Unit)
		}
	}
	if len(table.columns) > 64 {
		t.Errorf("%d fields", len(table.columns))
	}
}

func TestTable(t *testing.T) {
	checkTable(t, devices)
	checkTable(t, servers)
	columns := map[string]bool{}
	for _, f := range Fields() {
		for _, name := range []string{f.Column, f.Also} {
			if lower := strings.ToLower(name); lower != "" && columns[lower] {
				t.Errorf("two columns %s", lower)
			} else {
				columns[lower] = true
			}
		}
		if (f.Example == "") != (f.Need == NeedLater) {
			t.Errorf("%s: example %q", f.Column, f.Example)
		}
	}
	if !slices.Equal(devices.groups, []string{serverGroup, bootstrapGroup}) || !slices.Equal(servers.groups, []string{securityGroup}) {
		t.Errorf("groups %v, %v", devices.groups, servers.groups)
	}
}

// TestSpecification has the columns as platform.md, section 3, spells them.
func TestSpecification(t *testing.T) {
	const columns = `endpoint id|securityMode|bootstrapSecurityMode|lwm2m psk_id|lwm2m psk_key|bootstrap psk_id|bootstrap psk_key|lwm2m server uri|generateBootstrapServerConfig|bootstrapShortServerId|registrationLifetime|defaultMinimumPeriod|defaultMaximumPeriod|type|serverPublicKey|lwm2mShortServerId|securityInstanceOffset|bindingMode|awakeTimeRegistrationParameter|notificationIfDisabled|disableTimeout|lwm2mRequestTimeout|binaryDeliveryEncoding|enableResourceLevelTimestamp|serializationFormat|c8y_GenericUI_retainOldValuesIfError|fwUpdateDeliveryMethod|fwUpdateSupportedDeviceProtocol|fwUpdateResetMechanism|fwResetStateMachineOnStart|fwUpdateURL|disableFirmwareStateMachine|availabilityRequiredInterval|autoManageAvailabilityRequiredInterval|disableInternalObjectInstanceActions|logLevel|x509ClientCertificate|x509ClientPrivateKey|x509CertificateUsage|NAME|PATH`
	want := strings.Split(columns, "|")
	var got []string
	for _, f := range Fields() {
		got = append(got, f.Column)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("columns\n%v, want\n%v", got, want)
	}
	defaults := Device{}.WithDefaults()
	if want := (Device{Type: "c8y_lwm2m", GenerateBootstrapServer: Some(false), BootstrapShortServerID: Some[uint16](0), ShortServerID: Some[uint16](1),
		SecurityInstanceOffset: Some[uint16](0), BinaryEncoding: BinaryOpaque, ResourceTimestamps: Some(false), RetainOldValues: Some(true),
		ResetOnStart: Some(true), DisableFirmware: Some(false), AutoAvailabilityInterval: Some(true), DisableBuiltInActions: Some(false), LogLevel: LogLifecycle}); !equal(defaults, want) {
		t.Errorf("%+v", defaults)
	}
}

func TestDocumentation(t *testing.T) {
	const file = "../../docs/device-fields.md"
	if *rewrite {
		if err := os.WriteFile(file, Markdown(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(file)
	if err != nil || string(stored) != string(Markdown()) {
		t.Errorf("docs/device-fields.md is stale (%v): go test ./codec/provision -run TestDocumentation -rewrite", err)
	}
}
