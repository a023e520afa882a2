"""Tags that look like others: other words for the same thing, and things too alike to tell."""

from __future__ import annotations

_LIKE = {
    "landuse=forest": "landuse=wood landuse=trees landcover=trees natural=forest natural=copse"
    " natural=tree_group golf=woods",
    "landuse=farmland": "landuse=farm landuse=field",
    "landuse=meadow": "landuse=pasture landuse=paddock natural=land leisure=equestrian",
    "landuse=grass": "landuse=greenery landuse=median natural=grass landcover=grass",
    "landuse=residential": "landuse=civil landuse=public place=isolated_dwelling",
    "landuse=education": "landuse=school landuse=government landuse=civic_admin",
    "landuse=flowerbed": "landuse=flowers landcover=flowers landcover=flowerbed"
    " landcover=flower_bed man_made=flowerbed man_made=flower_bed",
    "landuse=allotments": "leisure=allotments allotments=plot",
    "landuse=quarry": "man_made=mine man_made=excavation historic=mine",
    "landuse=landfill": "man_made=tailings_pond man_made=mine_dump man_made=spoil_heap",
    "landuse=brownfield": "shop=scrap_yard amenity=scrapyard landcover=bare_ground",
    "landuse=construction": "man_made=construction man_made=clearcut",
    "landuse=salt_pond": "man_made=evaporation_pond",
    "landuse=garages": "landuse=garage amenity=garages amenity=garage",
    "landuse=railway": "railway=yard railway=station_area",
    "landuse=cemetery": "landuse=churchyard cemetery=sector cemetery=war_cemetery",
    "landuse=farmyard": "place=farm landuse=animal_keeping",
    "natural=scrub": "landuse=scrub landcover=scrub landcover=shrubs landcover=bushes",
    "natural=sand": "natural=desert natural=sandbank landcover=sand",
    "natural=scree": "natural=moraine natural=blockfield natural=couloir",
    "natural=shingle": "landuse=gravel landcover=gravel",
    "natural=glacier": "natural=salt_flat",
    "natural=wetland": "natural=marsh",
    "natural=beach": "leisure=beach natural=cape",
    "natural=lava": "natural=volcano",
    "natural=water": "landuse=water landcover=water golf=lateral_water_hazard"
    " emergency=fire_water_pond natural=salt_lake natural=fjord waterway=lock",
    "place=island": "natural=island natural=peninsula natural=isthmus",
    "place=islet": "natural=islet natural=reef",
    "place=square": "landuse=square landuse=plaza amenity=square landcover=paved"
    " man_made=paved_area man_made=courtyard",
    "leisure=garden": "landuse=garden",
    "leisure=horse_riding": "leisure=horse_riding_arena",
    "leisure=recreation_ground": "leisure=disc_golf_course",
    "landuse=recreation_ground": "leisure=recreation_ground",
    "leisure=ice_rink": "leisure=ski_playground",
    "leisure=stadium": "leisure=velodrome archaeological_site=roman_circus",
    "leisure=swimming_pool": "leisure=paddling_pool leisure=hot_tub man_made=water_tank",
    "leisure=picnic_table": "tourism=picnic_table amenity=table",
    "leisure=firepit": "amenity=firepit",
    "leisure=bandstand": "amenity=bandstand",
    "leisure=bleachers": "amenity=grandstand",
    "leisure=marina": "seamark:type=harbour harbour=yes waterway=boatyard amenity=boat_storage",
    "amenity=parking": "landuse=parking amenity=bus_parking amenity=disused_parking"
    " emergency=parking shop=car shop=truck shop=caravan shop=auto",
    "amenity=parking_space": "parking_space=disabled parking_space=charging",
    "amenity=shelter": "public_transport=shelter amenity=animal_shelter leisure=bird_hide",
    "amenity=bbq": "leisure=bbq amenity=baking_oven",
    "amenity=charging_station": "amenity=ev_charging",
    "amenity=bus_station": "amenity=bus_depot public_transport=station",
    "amenity=prison": "landuse=prison",
    "tourism=caravan_site": "amenity=trailer_park amenity=refugee_site",
    "tourism=camp_site": "tourism=camp_pitch",
    "tourism=zoo": "zoo=wildlife_park zoo=safari_park zoo=petting_zoo zoo=enclosure",
    "tourism=theme_park": "landuse=fairground",
    "tourism=artwork": "amenity=artwork",
    "amenity=telephone": "man_made=telephone_box building=phone_booth",
    "man_made=storage_tank": "man_made=oil_tank man_made=fuel_storage_tank man_made=wastewater_tank"
    " amenity=water_tank emergency=water_tank man_made=clarifier",
    "man_made=gasometer": "man_made=gas_holder",
    "man_made=petroleum_well": "man_made=oil_well man_made=gas_well",
    "man_made=bunker_silo": "man_made=silage_clamp",
    "man_made=water_tower": "disused:railway=water_tower",
    "man_made=water_well": "man_made=well historic=well place_of_worship=holy_well",
    "man_made=gas_flare": "man_made=flare",
    "man_made=wind_pump": "man_made=windpump",
    "man_made=mast": "telecom=bts power=catenary_mast",
    "man_made=antenna": "telecom=antenna",
    "man_made=tower": "aeroway=control_tower aeroway=tower historic=tower",
    "man_made=kiln": "man_made=lime_kiln",
    "man_made=pier": "leisure=jetty",
    "man_made=embankment": "barrier=embankment historic=earthworks natural=avalanche_dam",
    "man_made=pipeline": "man_made=pipeline_aerial man_made=goods_conveyor",
    "barrier=wall": "man_made=retaining_wall man_made=terrace",
    "barrier=fence": "barrier=wood_fence man_made=snow_fence",
    "barrier=kerb": "barrier=curb",
    "barrier=city_wall": "historic=city_wall",
    "barrier=hedge": "natural=hedge landcover=hedge barrier=overgrowth",
    "barrier=gate": "barrier=swing_gate barrier=sliding_gate barrier=sally_port",
    "barrier=toll_booth": "amenity=toll_booth barrier=border_control amenity=ticket_booth",
    "natural=stone": "barrier=boulder barrier=stone historic=stone memorial=stone",
    "natural=shrub": "barrier=shrub natural=bush",
    "natural=tree": "natural=isolated_tree",
    "waterway=dam": "man_made=dam",
    "waterway=weir": "man_made=weir waterway=spillway",
    "waterway=lock_gate": "man_made=lock_gate waterway=sluice_gate man_made=sluice_gate",
    "waterway=stream": "waterway=brook waterway=fish_pass",
    "waterway=canal": "waterway=aqueduct waterway=derelict_canal",
    "golf=fairway": "golf=faiway",
    "golf=tee": "golf=teebox golf=tee_box golf=tee_area",
    "golf=bunker": "golf=sand_trap",
    "golf=green": "golf=putting_green golf=practice_green",
    "golf=driving_range": "leisure=driving_range golf=practice",
    "sport=tennis": "leisure=tennis_court",
    "sport=shooting": "leisure=shooting_ground",
    "playground=sandpit": "playground=sand",
    "playground=swing": "playground=basketswing playground=baby_swing playground=tire_swing",
    "playground=climbingframe": "playground=climbing playground=monkey_bars",
    "playground=slide": "playground=chute",
    "playground=seesaw": "playground=balanceseesaw playground=sand_seesaw playground=water_seesaw",
    "playground=springy": "playground=bumpy_ride playground=ride_on",
    "attraction=big_wheel": "attraction=ferris_wheel",
    "attraction=carousel": "attraction=swing_carousel",
    "attraction=maze": "leisure=maze",
    "archaeological_site=tumulus": "site_type=tumulus",
    "historic=ruins": "ruins=yes ruins=building",
    "historic=archaeological_site": "archaeological_site=settlement archaeological_site=city"
    " archaeological_site=roman_villa archaeological_site=villa archaeological_site=baths"
    " ruins=village",
    "military=bunker": "historic=bunker emergency=bunker",
    "military=barracks": "military=base military=naval_base",
    "power=solar_farm": "power=solar landuse=solar man_made=solar_farm power=heliostat",
    "power=wind_turbine": "man_made=wind_turbine",
    "power=substation": "power=switchgear power=converter power=compensator power=bay",
    "aeroway=runway": "aeroway=airstrip area:aeroway=runway disused:aeroway=runway"
    " abandoned:aeroway=runway aeroway=highway_strip aeroway=model_runway",
    "aeroway=taxiway": "aeroway=taxilane area:aeroway=taxiway",
    "aeroway=apron": "area:aeroway=apron aeroway=stand",
    "aeroway=helipad": "emergency=landing_site",
    "aeroway=aerodrome": "disused:aeroway=aerodrome abandoned:aeroway=aerodrome",
    "railway=rail": "disused:railway=rail",
    "railway=level_crossing": "railway=railway_crossing railway=tram_level_crossing"
    " railway=crossing railway=tram_crossing",
}


def _table() -> dict[tuple[str, str], tuple[str, str]]:
    table = {}
    for known, others in _LIKE.items():
        key, _, value = known.partition("=")
        for other in others.split():
            its_key, _, its_value = other.partition("=")
            table[its_key, its_value] = (key, value)
    return table


LOOKS_LIKE = _table()
"""(key, value) -> the (key, value) whose look it has."""
