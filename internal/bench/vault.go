package bench

import (
	"bufio"
	"bytes"
	"context"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/vault"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/synth"
)

// VaultOptions of a run.
type VaultOptions struct {
	Patients int // synthetic patients
	Each     int // resources of each, the patient included
	Opens    int // records opened one by one
	// Documents is how many of 50 kB are kept, and of 100 MB a hundredth as many.
	Documents int
	Data      string
	Log       io.Writer
}

// Vault is the table of the vault. CPU is of the processes that the kernel charged.
type Vault struct {
	Machine string    `json:"machine"`
	At      time.Time `json:"at"`

	Raw          [2]float64    `json:"raw_gbps"` // GB/s of a core: AES-256-GCM over the same document in chunks of 16 KiB, seal and open
	Sealed       [2]float64    `json:"document_gbps"`
	Ratio        [2]float64    `json:"document_to_raw"`
	Overhead     float64       `json:"document_overhead"` // of a document of 1 MiB
	Resources    int           `json:"resources"`
	Rate         float64       `json:"resources_per_second"`
	ImportCPU    time.Duration `json:"import_cpu_per_resource"`
	KeeperCPU    time.Duration `json:"keeper_cpu_per_resource"`
	Plain        float64       `json:"bytes_per_resource"`
	Stored       float64       `json:"stored_bytes_per_resource"`
	Memory       int64         `json:"memory"`
	KeeperMemory int64         `json:"keeper_memory"`
	Opens        []Opens       `json:"opens"`
	Documents    []Documents   `json:"documents"`
	InStore      Stored        `json:"stored_document"`
}

// Opens is how records are opened, each under an intent that is durable first.
type Opens struct {
	Flight   int           `json:"in_flight"`
	Rate     float64       `json:"per_second"`
	P50, P99 time.Duration `json:"-"`
	P50us    int64         `json:"p50_us"`
	P99us    int64         `json:"p99_us"`
}

// RunVault measures. It needs Linux.
func RunVault(ctx context.Context, opt VaultOptions) (out Vault, err error) {
	if opt.Patients < 10 || opt.Each < 2 || opt.Opens < 100 || opt.Documents < 1 {
		return out, fault.New(fault.Invalid, "a bench has at least 10 patients of 2 resources each, opens 100 and keeps a document")
	}
	if _, err := used(os.Getpid()); err != nil {
		return out, err
	}
	if opt.Data == "" {
		if opt.Data, err = os.MkdirTemp("", "amanah-bench-"); err != nil {
			return out, err
		}
		defer os.RemoveAll(opt.Data)
	}
	out = Vault{Machine: machine(), At: time.Now().UTC().Truncate(time.Second)}
	say := func(format string, args ...any) { fmt.Fprintf(opt.Log, format+"\n", args...) }
	say("sealing and opening documents")
	if err := out.documents(); err != nil {
		return out, err
	}
	debug.FreeOSMemory() // what they took is not the import's
	site, err := app.OpenSite(ctx, app.SiteOptions{Dir: filepath.Join(opt.Data, "site")})
	if err != nil {
		return out, err
	}
	defer site.Close()
	say("importing %d resources of %d patients", opt.Patients*opt.Each, opt.Patients)
	if err := out.load(ctx, site, opt); err != nil {
		return out, err
	}
	say("opening %d records", opt.Opens)
	for _, flight := range []int{1, 16} {
		if err := out.open(ctx, site, opt, flight); err != nil {
			return out, err
		}
	}
	say("keeping documents")
	return out, out.keep(ctx, site, opt)
}

const (
	benchChunk    = 16 << 10
	benchDocument = 64 << 20
)

// gbps is how fast do goes through so many bytes, by CPU time.
func gbps(size int, do func() error) (float64, error) {
	each, err := timed(do)
	return float64(size) / each.Seconds() / 1e9, err
}

// documents measures the sealing of documents against the raw cipher.
func (v *Vault) documents() error {
	key, plain := make([]byte, 32), make([]byte, benchDocument)
	rand.Read(key)
	rand.Read(plain)
	aead, err := gcm(key)
	if err != nil {
		return err
	}
	if err := v.raw(aead, plain); err != nil {
		return err
	}
	var sealed bytes.Buffer
	sealed.Grow(benchDocument + benchDocument/64)
	seal := func() error {
		sealed.Reset()
		w, err := vault.SealDocument(&sealed, key)
		if err == nil {
			_, err = w.Write(plain)
		}
		if err == nil {
			err = w.Close()
		}
		return err
	}
	best := [2]time.Duration{1 << 62, 1 << 62}
	buffer := make([]byte, 1<<20)
	for range 5 {
		before := own()
		if err := seal(); err != nil {
			return err
		}
		best[0] = min(best[0], own()-before)
		before = own()
		doc, err := vault.OpenDocument(bytes.NewReader(sealed.Bytes()), int64(sealed.Len()), key)
		if err != nil {
			return err
		}
		for at := int64(0); at < doc.Size(); at += int64(len(buffer)) {
			if _, err := doc.ReadAt(buffer, at); err != nil {
				return err
			}
		}
		best[1] = min(best[1], own()-before)
	}
	for i := range best {
		v.Sealed[i] = benchDocument / best[i].Seconds() / 1e9
		v.Ratio[i] = v.Sealed[i] / v.Raw[i]
	}
	v.Overhead = float64(vault.DocumentSize(1<<20))/(1<<20) - 1
	return nil
}

// raw measures the cipher alone over the same document, chunk after chunk: out of the
// memory in which a document lies, and not out of one chunk that the processor keeps at
// hand.
func (v *Vault) raw(aead cipher.AEAD, plain []byte) (err error) {
	const sealed = benchChunk + 16
	nonce, chunk := make([]byte, 12), make([]byte, 0, sealed)
	chunks := make([]byte, 0, len(plain)/benchChunk*sealed)
	for at := 0; at < len(plain); at += benchChunk {
		chunks = aead.Seal(chunks, nonce, plain[at:at+benchChunk], nil)
	}
	at := 0
	if v.Raw[0], err = gbps(benchChunk, func() error {
		chunk = aead.Seal(chunk[:0], nonce, plain[at:at+benchChunk], nil)
		at = (at + benchChunk) % len(plain)
		return nil
	}); err != nil {
		return err
	}
	at = 0
	v.Raw[1], err = gbps(benchChunk, func() error {
		_, err := aead.Open(chunk[:0], nonce, chunks[at:at+sealed], nil)
		at = (at + sealed) % len(chunks)
		return err
	})
	return err
}

// load writes files as a hospital exports them and imports them.
func (v *Vault) load(ctx context.Context, site *app.Site, opt VaultOptions) error {
	dir := filepath.Join(opt.Data, "export")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	size, err := export(dir, opt.Patients, opt.Each)
	if err != nil {
		return err
	}
	before, err := used(site.KeeperPID())
	if err != nil {
		return err
	}
	cpu, began := own(), time.Now()
	got, err := site.ImportRecords(ctx, app.RecordOptions{Path: dir, Facility: "rs-99-001", Register: true})
	if err != nil {
		return err
	}
	took := time.Since(began)
	v.Resources = opt.Patients * opt.Each
	if got.Entered != v.Resources || got.Refused != 0 {
		return fault.Newf(fault.Internal, "of %d resources %d were entered and %d refused", v.Resources, got.Entered, got.Refused)
	}
	after, err := used(site.KeeperPID())
	if err != nil {
		return err
	}
	n := float64(v.Resources)
	v.Rate = n / took.Seconds()
	v.ImportCPU = time.Duration(float64(own()-cpu) / n)
	v.KeeperCPU = time.Duration(float64(after.since(before).CPU) / n)
	v.Plain = float64(size) / n
	v.Stored = float64(folder(filepath.Join(opt.Data, "site", "data"))) / n
	v.KeeperMemory = after.Memory
	me, err := used(os.Getpid())
	v.Memory = me.Memory
	return err
}

// folder is how many bytes a folder's files have.
func folder(dir string) (sum int64) {
	_ = filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			sum += info.Size()
		}
		return nil
	})
	return sum
}

// export writes resources of synthetic patients, as long as those of public synthetic
// records are in the mean.
func export(dir string, patients, each int) (size int64, err error) {
	population := synth.New(seed, day.Of(time.Now()))
	files := map[string]*bufio.Writer{}
	for _, name := range []string{"Patient", "Encounter", "Observation", "Immunization", "Condition"} {
		f, err := os.Create(filepath.Join(dir, name+".ndjson"))
		if err != nil {
			return 0, err
		}
		defer f.Close()
		files[name] = bufio.NewWriterSize(f, 1<<20)
	}
	line := func(name, format string, args ...any) {
		n, _ := fmt.Fprintf(files[name], format+"\n", args...) // Flush has the error
		size += int64(n)
	}
	const other = `"meta":{"profile":["http://hl7.org/fhir/us/core/StructureDefinition/us-core-%s"]},"identifier":[{"system":"https://rs-99-001.example/records","value":"%08d-%04d"}],`
	for p := range patients {
		who, err := population.Person(p)
		if err != nil {
			return 0, err
		}
		line("Patient", `{"resourceType":"Patient","id":"p%d","identifier":[{"system":%q,"value":%q}],"name":[{"text":%q}],"birthDate":%q}`,
			p, record.NIKSystem, who.NIK.Reveal(), who.Name.Reveal(), who.Birth.String())
		for i := 1; i < each; i++ {
			head := fmt.Sprintf(other, "record", p, i)
			switch i % 4 {
			case 1:
				line("Encounter", `{"resourceType":"Encounter","id":"e%d-%d",%s"status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"},"type":[{"coding":[{"system":"http://snomed.info/sct","code":"185345009","display":"Encounter for symptom"}],"text":"Encounter for symptom"}],"subject":{"reference":"Patient/p%d"},"period":{"start":"2021-07-01T08:00:00+07:00","end":"2021-07-01T08:30:00+07:00"}}`, p, i, head, p)
			case 2:
				line("Observation", `{"resourceType":"Observation","id":"o%d-%d",%s"status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"718-7","display":"Hemoglobin [Mass/volume] in Blood"}],"text":"Hemoglobin"},"subject":{"reference":"Patient/p%d"},"encounter":{"reference":"Encounter/e%d-%d"},"effectiveDateTime":"2021-07-01T08:10:00+07:00","valueQuantity":{"value":13.%d,"unit":"g/dL","system":"http://unitsofmeasure.org","code":"g/dL"}}`, p, i, head, p, p, i-1, i%10)
			case 3:
				line("Immunization", `{"resourceType":"Immunization","id":"i%d-%d",%s"status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"140","display":"Influenza, seasonal, injectable, preservative free"}],"text":"Influenza"},"patient":{"reference":"Patient/p%d"},"encounter":{"reference":"Encounter/e%d-%d"},"occurrenceDateTime":"2021-07-01T08:20:00+07:00","primarySource":true}`, p, i, head, p, p, i-2)
			default:
				line("Condition", `{"resourceType":"Condition","id":"c%d-%d",%s"clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]},"code":{"coding":[{"system":"http://snomed.info/sct","code":"38341003","display":"Hypertension"}],"text":"Hypertension"},"subject":{"reference":"Patient/p%d"},"encounter":{"reference":"Encounter/e%d-%d"},"onsetDateTime":"2021-07-01T08:20:00+07:00"}`, p, i, head, p, p, i-3)
			}
		}
	}
	for _, w := range files {
		if err := w.Flush(); err != nil {
			return size, err
		}
	}
	return size, nil
}

// open opens records of people drawn in turn: what the database holds of a person, one
// call to the keeper, which journals the intent first, and the unsealing. A signature
// is not checked here, because the platform's own looks have none.
func (v *Vault) open(ctx context.Context, site *app.Site, opt VaultOptions, flight int) error {
	took := make([]time.Duration, opt.Opens)
	errs := make(chan error, flight)
	var wait sync.WaitGroup
	began := time.Now()
	for w := range flight {
		wait.Go(func() {
			for i := w; i < opt.Opens; i += flight {
				at := time.Now()
				if err := openOne(ctx, site, identity.PersonID(1+i%opt.Patients)); err != nil {
					errs <- err
					return
				}
				took[i] = time.Since(at)
			}
		})
	}
	wait.Wait()
	select {
	case err := <-errs:
		return err
	default:
	}
	o := Opens{Flight: flight, Rate: float64(opt.Opens) / time.Since(began).Seconds()}
	slices.Sort(took)
	o.P50, o.P99 = took[len(took)/2], took[len(took)*99/100]
	o.P50us, o.P99us = o.P50.Microseconds(), o.P99.Microseconds()
	v.Opens = append(v.Opens, o)
	return nil
}

func openOne(ctx context.Context, site *app.Site, who identity.PersonID) error {
	var have []record.Version
	var rows []record.Row
	if err := site.DB.View(ctx, func(s store.Stores) (err error) {
		if have, err = s.Records.Versions(who); err != nil || len(have) == 0 {
			return err
		}
		rows, err = s.Records.Get(who, have[len(have)-1:])
		return err
	}); err != nil {
		return err
	}
	if len(rows) != 1 {
		return fault.New(fault.Internal, "a record that was entered is not there")
	}
	all := make([]keeper.Version, len(have))
	for i, one := range have {
		all[i] = keeper.Version{Record: keeper.Record(one.Number), Version: one.Version}
	}
	i := keeper.Intent{Actor: "operator", Purpose: "bench", Budget: keeper.BudgetImport}
	rand.Read(i.ID[:])
	_, opened, err := site.Keeper.Read(ctx, i, []keeper.Read{{Person: who, Have: all, Want: all[len(all)-1:]}})
	if err != nil {
		return err
	}
	if opened[0].Err != nil {
		return opened[0].Err
	}
	b := vault.Binding{Table: vault.Records, Person: who, Record: uint64(rows[0].Number), Version: rows[0].Version}
	_, err = vault.OpenRecord(opened[0].Keys[0], b, rows[0].Sealed)
	return err
}
