package identity

// SamePerson reports whether two links let somebody ask for one person. A link
// without a subject is nobody's but its own: zero tags are equal and mean nothing.
func (l Link) SamePerson(other Link) bool {
	if l.ID == (LinkID{}) || other.ID == (LinkID{}) {
		return false
	}
	return l.ID == other.ID || l.Subject != (Tag{}) && l.Subject == other.Subject
}
