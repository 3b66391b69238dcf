/* What store.h promises, rule by rule, on the store that the program is linked with. */
#ifndef KLUIS_TEST_STORE_RULES_H
#define KLUIS_TEST_STORE_RULES_H

/* folder is empty before; a cmocka assertion fails at the first broken rule. */
void store_rules_run(const char *folder);

#endif
