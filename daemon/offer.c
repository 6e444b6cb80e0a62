#include "offer.h"
