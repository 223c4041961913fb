# SPDX-License-Identifier: Apache-2.0
wavegate_fuzz(address wg_wire)
wavegate_fuzz(descriptor wg_wire)
wavegate_fuzz(event wg_wire)
wavegate_fuzz(json wg_wire)
wavegate_fuzz(message wg_wire)
wavegate_fuzz(name wg_wire)
wavegate_fuzz(sf wg_wire)
wavegate_fuzz(signature wg_wire)
