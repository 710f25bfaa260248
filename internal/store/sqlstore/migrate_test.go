package sqlstore_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/store/sqlstore"
)

// released are the SHA-256 of every migration, in order. Migrations are
// append-only: a line here never changes, a new migration adds one.
var released = map[string][]string{
	"sqlite": {
		"a638f80bc212d61f8f8ac50421e44dd1b777ef8f18de98bb1fae9e0ebc2dbe30",
		"343377141366d4d21f2ed32e587b1f31d2bbcef41212a8bc90b948382f5dfe33",
		"c8141a3f85c6efc52ceccd42dfa9383a9edb0c3a76b5922fe692ffb20d28051c",
		"327070857e33a2a6afb169c96da530e2edccebb5f9868b0ca05bb1a677cb8258",
		"5e204b9558c9c570e0d1fe6ad80a0da1999cd80dc3c4c81d1009d7775b73503b",
		"6a0c3729a692a773a7793e49158174b9f4a4d17daadfac348b01eaa9e3ea7bf8",
		"99c01faaf03c608433605b4365a8f5f785ee8765e240d3b48c7b9813fbbe0e1e",
		"7275f3b7e6f70c91a839ee5100aab3eb8854ebc1e901de971b1c747470dd0ec6",
		"d94a04ae40082bcfa8b58d9d01106e11ef279c6578f26bb3b73889bd89c9f901",
		"bbc683b2dd3b025bb44968ca7ceabfd6ac2a73700e3f3ea711c40620a4bdc3ac",
		"f8e9e245ac99691e3371dfe6e13eda7456e5cfee615cbcb2f9721b28792635cd",
		"b0a12c0ab307fc20a9f5cb38168276f587f7fcd198e35e6026f8227560c4d4a6",
		"99177bd896e4e52d0d805a9f34359cc693765130bc1f376efb65f888369b8c6b",
		"ff26b0cca7a196965ef71a19692311a9453a41cac16f7696a1c3f81f54ed23f1",
		"53c6ae6cd1e7419d8514f3abdd3f8f0c1b5ffb5b89dd6cbb588601918edb7991",
		"f4ab623ba757ad5cd272a91246a6ad9393c708b0aae269bf4e104580ac003b37",
		"2b8637cba659f47ec8d8f2fb1f308c0a4973e718cd2a41d2a6b458f5afc910e1",
		"cd20fd818f659fe73f1715ac8deeb392b9f53702b1e31b9ccf1be00b3d40a709",
		"8ce42c6a5e3ef402741c87ca1ca57da2cf1dfe1b00fd13774d02c4b27cdcf63b",
		"b1a4f0960b8ce3e25137b6ec8f0caaa5b1e153542b1e9540d3ca3ce3c3e1574b",
		"c57dc90e33c2d0a3911b67d7d1a58bd6f2d9bfd524b640c8678b605aa977f44b",
		"c9f00d6cb68be00fa3adb569b0828d183a19bf65a4527549705508501eeaca25",
	},
	"postgres": {
		"a004b6c138c8a15106d3d7592ebe2f0b9a4d58e7d6b61f686ed05bb1194a3c85",
		"c2bab23d9f81163512c4a15220bab8c3b504e3338fd8a99c6cf5719503077399",
		"86b38a9f89182e8ee9bec3241b42b1d4b1823892e36c78a39303e80cc02f2a37",
		"8e1701bf4304f5b09e388acb4753dc4a0549c27d9a4030eaa7b52551cf0e86e3",
		"49079856ead5f67d9fb9ae9a9e8d6cb3a77f598b5e200019f8b2e66211ab9509",
		"5f30b296ff0cb3474efce32f7dc643039d6e4ec10de9d5e101b3a7e2774e6e3b",
		"4d627950fec88412cd0eb355968496b0c1f2c34a173e94a13068d70c6a38a23b",
		"926738357e6ef12f60b31584916741888de7da769b0d12274211c49b51a1fc31",
		"910c267518c19c83403cdad83867c06440454801c7f4045c42447e82032e6903",
		"5f8aeaaaa29a826d67e3b196333d52863a076ee103967f2b3e4b0b80ca6cb612",
		"67e83c103be6edbf1de17060569a39c5db65ba1300262ae6b3e5b21231b79975",
		"0e7542d7e05214564095958062d9e0305c01a74c0608bec669fcd81d5344efeb",
		"c94274620cbfb0f55ee80d205ddf88a8309506afef43005fd50a4d32d8e09950",
		"525c3a7ec7254d2840febbc835eff815e510df5b30fbb67a769e262c4471c9d8",
		"079fa23c4759cd71303b02e66f9871fe1e688d1a7fc15751840809da293542d1",
		"84e3daa99ae9f4a3d44ecc039220206bd3792bd8cd315bacb3220200c3727884",
		"bc32a214083a12732fc4372d37c2b394a26bf907515230572f681606bae199b4",
		"153118ef0b5d51f744f998963cc385e2e7475ccafb6f0da53de68e3b6310b2b7",
		"f41175a56e5c58619c64c87775402ede3d281489ada06dc280adc43f491f365c",
		"0c717a1de57a10ef0e7574d83f98fd0f195309d299b4d51dcda20be05ecc2bf7",
		"711c22364a0a2bd892d1ee2500ad432bca1e6a3fc0ae4b844fb6fdfda2aafe7e",
		"621dc315f818396cc8f1bcc304407fe3430ac46e368465bf4143afaa5630ec0b",
	},
}

func read(t *testing.T, dialect string) []sqlstore.Migration {
	t.Helper()
	all, err := sqlstore.Migrations(os.DirFS("../" + dialect + "/migrations"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestMigrationsAppendOnly(t *testing.T) {
	for dialect, want := range released {
		var got []string
		for _, m := range read(t, dialect) {
			got = append(got, m.Sum)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: migrations are append-only: change none, add a new one and its line here (-want +got):\n%s", dialect, d)
		}
	}
}

func TestMigrationsSameInBothDialects(t *testing.T) {
	names := func(dialect string) (names []string) {
		files, err := os.ReadDir("../" + dialect + "/migrations")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			names = append(names, f.Name())
		}
		return names
	}
	sqlite, postgres := names("sqlite"), names("postgres")
	if d := cmp.Diff(sqlite, postgres); d != "" || len(sqlite) == 0 {
		t.Errorf("%d files (-sqlite +postgres):\n%s", len(sqlite), d)
	}
}

func TestMigrationsMalformed(t *testing.T) {
	for _, names := range [][]string{
		{"0002_a.sql"}, {"0001_a.sql", "0003_b.sql"}, {"1_a.sql"}, {"0001.sql"}, {"0001_.sql"},
		{"a_b.sql"}, {"0001_a.sql", "0001_b.sql"}, {"-001_a.sql"},
	} {
		folder := fstest.MapFS{}
		for _, n := range names {
			folder[n] = &fstest.MapFile{}
		}
		if _, err := sqlstore.Migrations(folder); err == nil {
			t.Errorf("%v: taken", names)
		}
	}
}

func TestPending(t *testing.T) {
	all, err := sqlstore.Migrations(fstest.MapFS{"0001_a.sql": {Data: []byte("a")}, "0002_b.sql": {Data: []byte("b")}})
	if err != nil {
		t.Fatal(err)
	}
	had := func(n int) (out []sqlstore.Applied) {
		for i := n; i > 0; i-- { // a database promises no order
			out = append(out, sqlstore.Applied{Number: i, Name: "x", Sum: all[min(i, len(all))-1].Sum})
		}
		return out
	}
	for n := range 3 {
		if got, err := sqlstore.Pending(all, had(n)); err != nil || len(got) != 2-n {
			t.Errorf("had %d: %d pending, %v", n, len(got), err)
		}
	}
	for want, had := range map[string][]sqlstore.Applied{
		"newer than this program": had(3),
		"lacks migration 0001":    {{Number: 2, Sum: all[1].Sum}},
		"append-only":             {{Number: 1, Sum: all[1].Sum}},
	} {
		if _, err := sqlstore.Pending(all, had); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
