package page

import (
	"errors"
	"net/http"
	"strings"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/consent"
	"github.com/amanah-project/amanah/internal/flow/portability"
	"github.com/amanah-project/amanah/internal/keeper"
)

// language is what a browser is answered in: what its link says, or the first of
// its languages that we have; Indonesian otherwise.
func language(r *http.Request) string {
	switch lang := r.URL.Query().Get("lang"); lang {
	case "id", "en":
		return lang
	}
	for _, part := range strings.Split(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		switch base, _, _ := strings.Cut(strings.ToLower(tag), "-"); base {
		case "id", "in", "ms":
			return "id"
		case "en":
			return "en"
		}
	}
	return "id"
}

// said is what people read of an error, and at which field.
type said struct {
	err    error
	id, en string
	field  string // "" for the page as a whole
}

// sayings returns every error that people can meet here.
func sayings() []said {
	return []said{
		{identity.ErrNIKLength, "NIK terdiri dari 16 angka.", "A NIK has 16 digits.", "nik"},
		{identity.ErrNIKDigits, "NIK hanya berisi angka.", "A NIK holds digits only.", "nik"},
		{identity.ErrNIKDate, "Angka ke-7 sampai ke-12 NIK bukan tanggal lahir. Periksa KTP Anda.", "Digits 7 to 12 of the NIK are no date of birth. Look at your identity card.", "nik"},
		{identity.ErrNIKRegion, "Enam angka pertama NIK bukan wilayah. Periksa KTP Anda.", "The first six digits of the NIK are no region. Look at your identity card.", "nik"},
		{identity.ErrNIKSerial, "Empat angka terakhir NIK tidak pernah 0000.", "The last four digits of a NIK are never 0000.", "nik"},
		{identity.ErrOneTimeForm, "Kode terdiri dari 6 angka.", "The code has 6 digits.", "code"},
		{identity.ErrFactor, "Kode salah, sudah dipakai, atau lebih lama dari sepuluh menit.", "The code is wrong, was used, or is older than ten minutes.", "code"},
		{identity.ErrFactorSpent, "Terlalu banyak kode. Mulai lagi nanti, paling lambat besok.", "Too many codes. Begin again later, tomorrow at the latest.", ""},
		{consent.ErrLanes, "Terlalu banyak percobaan dari jaringan ini. Coba lagi dalam satu jam.", "Too many attempts from this network. Try again within the hour.", ""},
		{ErrPick, "Pilih siapa yang akan ditautkan.", "Choose who is to be linked.", "pick"},
		{identity.ErrChoice, "Orang ini tidak dapat Anda tautkan.", "This person is not one you may link.", "pick"},
		{identity.ErrOfAge, "Orang ini sudah dewasa dan menautkan sendiri.", "This person is of age and links by their own consent only.", "pick"},
		{identity.ErrStep, "Langkah ini belum waktunya, atau sudah lewat.", "This step was not reached yet, or is past.", ""},
		{identity.ErrNoAuthorization, "Permintaan ini tidak dikenal atau waktunya habis. Mulai lagi dari aplikasi.", "This request is not known, or its time is over. Begin again in the app.", ""},
		{ErrForm, "Formulir ini bukan dari halaman yang Anda buka. Kembali dan mulai lagi.", "This form is not from the page you have open. Go back and begin again.", ""},
		{ErrBody, "Formulir tidak dapat dibaca. Kembali dan coba lagi.", "The form cannot be read. Go back and try again.", ""},
		{ErrPage, "Halaman tidak ada.", "There is no such page.", ""},
		{identity.ErrPhone, "Nomor telepon terdiri dari 8 sampai 15 angka, misalnya +62 812 0000 0000.", "A telephone number has 8 to 15 digits, such as +62 812 0000 0000.", "phone"},
		{ErrSame, "Kedua nomor berbeda. Ketik nomor baru dua kali.", "The two numbers differ. Type the new number twice.", "again"},
		{identity.ErrPhoneWaits, "Nomor baru lain sudah menunggu. Batalkan dahulu.", "Another new number waits already. Cancel it first.", "phone"},
		{identity.ErrNoneWaits, "Tidak ada nomor baru yang menunggu.", "No new number waits.", ""},
		{identity.ErrNotChannel, "Hanya nomor yang terikat sekarang yang dapat membatalkan.", "Only the number bound now can cancel a new one.", ""},
		{portability.ErrRecipient, "Kunci publik age dimulai dengan age1 dan terdiri dari 62 huruf dan angka.", "A public key of age begins with age1 and has 62 letters and digits.", "to"},
		{keeper.ErrErased, "Rekam medis ini sudah dihapus.", "These records were erased.", ""},
		{keeper.ErrBudget, "Terlalu sering. Coba lagi dalam satu jam.", "Too often. Try again within the hour.", ""},
	}
}

// say returns what people read of an error.
func say(lang string, err error) (text, field string) {
	for _, s := range sayings() {
		if errors.Is(err, s.err) {
			if lang == "en" {
				return s.en, s.field
			}
			return s.id, s.field
		}
	}
	switch k := fault.KindOf(err); {
	case lang == "en" && (k == fault.Busy || k == fault.Unavailable || k == fault.Internal):
		return "This does not work just now. Try again in a minute.", ""
	case lang == "en":
		return "This cannot be done.", ""
	case k == fault.Busy || k == fault.Unavailable || k == fault.Internal:
		return "Ini sedang tidak dapat dilakukan. Coba lagi sebentar lagi.", ""
	}
	return "Ini tidak dapat dilakukan.", ""
}
