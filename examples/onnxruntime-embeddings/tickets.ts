/**
 * What people write to the help desk of a maker of electric bicycles, by what solved it in the end:
 * hardly what a model that has read the web would put together.
 *
 * @module
 */

import type { Group } from "./groups.ts";

/** Tickets by their cause. */
export const tickets: readonly Group[] = [
  {
    name: "plug of the battery loose",
    learn: [
      "The display goes dark when I ride over cobbles",
      "It cuts out at every speed bump",
      "If I wiggle the battery the power comes back",
      "On a bumpy road the motor is gone for a second",
      "Everything switches off when I drop off a kerb",
      "The screen restarts whenever I hit a pothole",
      "Off-road the display flickers and then nothing works",
      "It turns itself off when I jump a step",
    ],
    heldOut: [
      "A hard landing makes the whole system restart",
      "The lights blink when the road is made of stones",
      "Holding the battery with my knee keeps it running",
      "It died in the middle of a gravel path and came back at once",
    ],
  },
  {
    name: "battery kept in the cold",
    learn: [
      "In January I only get half the distance",
      "It spent the night in the shed and shows two bars",
      "The range was fine in summer and is awful now",
      "After a frosty night it would not charge",
      "It is full in the kitchen and empty in the snow",
      "Since it is winter I do not make it to work and back",
      "At minus five the last bars vanish within minutes",
      "It stands in an unheated garage and the charger only blinks",
    ],
    heldOut: [
      "Snow since Monday, and I barely reach the office",
      "The charger refuses until the bike has been indoors for an hour",
      "My commute took half the charge in July and all of it now",
      "It was left in the car at minus ten and is empty",
    ],
  },
  {
    name: "magnet of the wheel sensor out of place",
    learn: [
      "The speed reads zero although I am moving",
      "Since I changed the tyre there is no support",
      "The odometer has stopped counting kilometres",
      "After the wheel was out the motor only helps for a metre",
      "I put new spokes in and the tachometer jumps",
      "It thinks that I stand still",
      "Back from the tyre service, and no kilometres are counted",
      "The shop changed the rear wheel, now I pedal without help",
    ],
    heldOut: [
      "There is no distance on the screen after my ride",
      "A new inner tube, and since then no help from the motor",
      "The needle jumps between nothing and sixty",
      "It rolls, but the computer believes that it is parked",
    ],
  },
  {
    name: "the law's limit of speed",
    learn: [
      "The motor stops helping at 25 on the flat",
      "Downhill I get no push at all",
      "My neighbour's bike from America goes faster than mine",
      "Above a certain pace it leaves me alone",
      "Can the limit be taken off for private ground",
      "I pedal like mad and it does not go any faster",
      "Why is there no more push once I am fast",
      "I want the tuning that makes it go 45",
    ],
    heldOut: [
      "It gets heavy as soon as I catch up with the traffic",
      "Could you make mine as quick as a moped",
      "On a slope downwards the motor is silent",
      "How fast may it go before it stops pushing",
    ],
  },
  {
    name: "bike still tied to another account",
    learn: [
      "The app finds the bike and says that it is taken",
      "My wife can connect and I cannot",
      "Bought second hand, it asks for a stranger's e-mail",
      "I have a new phone and the bike refuses it",
      "Pairing fails because there is already an owner",
      "The previous owner still gets my trips on his phone",
      "I bought it used and the seller's login is still in it",
      "Two phones in the family and only the first one pairs",
    ],
    heldOut: [
      "The app says that someone else is registered",
      "How do I remove the name of the last owner",
      "My daughter cannot add the bike to her app",
      "A gift from my uncle, and the app asks for his address",
    ],
  },
  {
    name: "switch of the brake lever stuck",
    learn: [
      "The brake light never goes out",
      "After a fall on the left side it does not push",
      "It feels as if something held the motor back all the time",
      "The lever does not come back by itself",
      "The red light at the back burns day and night",
      "Help only starts when I pull the lever forward with a finger",
      "I knocked the handle against a wall and lost the assistance",
      "The stop light shines while I ride",
    ],
    heldOut: [
      "Cars behind me think that I am slowing down all the time",
      "No support since I hit a gate with my hand",
      "The grip for stopping does not spring back",
      "Pressing the left handle away from me gives me power",
    ],
  },
  {
    name: "firmware out of date",
    learn: [
      "Error 36 since Tuesday",
      "The clock shows 1970",
      "The menu is suddenly in Dutch",
      "It hangs at the logo when I switch it on",
      "The new walking mode is not in my menu",
      "Code 41 appears and I can only confirm it",
      "The year on the display is wrong",
      "A number with three exclamation marks, then it starts again",
    ],
    heldOut: [
      "Three letters and a number flash, then it reboots",
      "My menu does not have what your video shows",
      "It believes that we live in the last century",
      "The logo stays and nothing follows",
    ],
  },
  {
    name: "chain dry or slack",
    learn: [
      "It squeaks uphill",
      "There is a grinding noise when I pedal hard",
      "It jumps in the smallest gear",
      "Something clicks with every turn of the crank",
      "It sounds like a rusty gate after the rain",
      "The pedals slip when I set off at the lights",
      "Since I cycled along the beach it makes a scraping sound",
      "When I stand up to pedal there is a crack and the gear slips",
    ],
    heldOut: [
      "A rattle from below whenever I start",
      "My foot falls through when I push hard",
      "Oil helps for a day, then the noise is back",
      "The links look brown and hang down",
    ],
  },
];
