/** What one person writes, as nobody else does: the model has never seen its like. */
export const notes: string = `
[ ] call ada about the boat @phone !2
[x] buy oats, milk, two lemons @shop !3
[ ] send the invoice to noor @mail !1
[ ] mend the gate before sunday @home !2
[x] ask ada for the key @phone !3
[ ] book the ferry for four @web !1
[ ] return the red book @library !3
[x] pay the rent @web !1
[ ] buy stamps and tape @shop !3
[ ] send noor the photos @mail !2
[x] water the beans @home !2
[ ] call the dentist @phone !1
[ ] print the tickets @library !2
[x] clean the stove @home !3
[ ] ask the bank about the card @phone !1
[ ] buy bread, beans, oats @shop !2
[x] book a room for ada @web !2
[ ] mend the blue lamp @home !3
[ ] send the form to the school @mail !1
[x] call noor about sunday @phone !2
[ ] return the drill to ada @home !3
[ ] buy two lemons and salt @shop !3
[x] pay the dentist @web !1
[ ] ask the library about the scan @mail !2
[ ] book the boat for sunday @web !1
[x] print the form @library !2
[ ] clean the shed @home !3
[ ] call the bank @phone !1
[x] send ada the invoice @mail !2
[ ] buy tape, salt, milk @shop !3
[ ] water the lemons @home !2
[ ] ask noor about the tickets @phone !3
`.trimStart();
