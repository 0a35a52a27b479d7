<?xml version="1.0" encoding="UTF-8"?>
<!-- The header (cda-lettre-de-liaison, 1): who is concerned, when, by whom, for whom. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:v3="urn:hl7-org:v3"
                xmlns:sdtc="urn:hl7-org:sdtc" xmlns:r="urn:dmp-connector:render" exclude-result-prefixes="v3 sdtc r">

  <xsl:key name="doctor" match="v3:participant/v3:associatedEntity/v3:id[../../v3:functionCode/@code = 'PCP']"
           use="@extension"/>

  <xsl:template name="banner">
    <header>
      <h1><xsl:call-template name="title"/></h1>
      <p class="meta">
        <xsl:if test="v3:code/@displayName and normalize-space(v3:code/@displayName) != normalize-space(v3:title)">
          <xsl:value-of select="v3:code/@displayName"/>
          <br/>
        </xsl:if>
        <xsl:text>Établi le </xsl:text>
        <xsl:apply-templates select="v3:effectiveTime" mode="date"/>
        <xsl:if test="v3:versionNumber/@value"> · version <xsl:value-of select="v3:versionNumber/@value"/></xsl:if>
        <xsl:apply-templates select="v3:relatedDocument[@typeCode = 'RPLC']"/>
        <xsl:if test="v3:confidentialityCode"> · confidentialité <xsl:apply-templates
            select="v3:confidentialityCode" mode="label"/></xsl:if>
      </p>
    </header>
  </xsl:template>

  <xsl:template match="v3:relatedDocument">
    <xsl:text> · remplace le document </xsl:text>
    <xsl:apply-templates select="v3:parentDocument/v3:id[1]" mode="oid"/>
    <xsl:if test="v3:parentDocument/v3:versionNumber/@value"> (version <xsl:value-of
        select="v3:parentDocument/v3:versionNumber/@value"/>)</xsl:if>
  </xsl:template>

  <xsl:template name="patient">
    <xsl:variable name="role" select="v3:recordTarget[1]/v3:patientRole"/>
    <section class="card">
      <h2>Patient</h2>
      <dl>
        <xsl:for-each select="$role/v3:patient">
          <xsl:variable name="name" select="v3:name[1]"/>
          <xsl:call-template name="item">
            <xsl:with-param name="term">Nom de naissance</xsl:with-param>
            <xsl:with-param name="words" select="$name/v3:family[contains(@qualifier, 'BR')]"/>
          </xsl:call-template>
          <xsl:call-template name="item">
            <xsl:with-param name="term">Nom utilisé</xsl:with-param>
            <xsl:with-param name="words" select="$name/v3:family[contains(@qualifier, 'CL') or @qualifier = 'SP']"/>
          </xsl:call-template>
          <xsl:call-template name="item">
            <xsl:with-param name="term">Nom</xsl:with-param>
            <xsl:with-param name="words" select="$name/v3:family[not(@qualifier)]"/>
          </xsl:call-template>
          <xsl:call-template name="item">
            <xsl:with-param name="term">Premier prénom de naissance</xsl:with-param>
            <xsl:with-param name="words" select="$name/v3:given[contains(@qualifier, 'BR')]"/>
          </xsl:call-template>
          <xsl:call-template name="item">
            <xsl:with-param name="term">Prénoms de naissance</xsl:with-param>
            <xsl:with-param name="words" select="$name/v3:given[not(@qualifier)]"/>
          </xsl:call-template>
          <xsl:call-template name="item">
            <xsl:with-param name="term">Prénom utilisé</xsl:with-param>
            <xsl:with-param name="words" select="$name/v3:given[contains(@qualifier, 'CL')]"/>
          </xsl:call-template>
          <xsl:if test="v3:administrativeGenderCode">
            <dt>Sexe</dt>
            <dd><xsl:apply-templates select="v3:administrativeGenderCode" mode="label"/></dd>
          </xsl:if>
          <xsl:if test="v3:birthTime">
            <dt>Naissance</dt>
            <dd>
              <div class="line"><xsl:apply-templates select="v3:birthTime" mode="date"/></div>
              <xsl:apply-templates select="v3:birthplace/v3:place" mode="birthplace"/>
            </dd>
          </xsl:if>
          <xsl:if test="sdtc:deceasedTime/@value or sdtc:deceasedInd/@value = 'true'">
            <dt>Décès</dt>
            <dd>
              <xsl:choose>
                <xsl:when test="sdtc:deceasedTime/@value">
                  <xsl:apply-templates select="sdtc:deceasedTime" mode="date"/>
                </xsl:when>
                <xsl:otherwise>Oui</xsl:otherwise>
              </xsl:choose>
            </dd>
          </xsl:if>
        </xsl:for-each>
        <xsl:apply-templates select="$role/v3:id" mode="patient"/>
        <xsl:if test="$role/v3:addr[normalize-space()] or $role/v3:telecom/@value">
          <dt>Coordonnées</dt>
          <dd><xsl:apply-templates select="$role/*[self::v3:addr or self::v3:telecom]" mode="line"/></dd>
        </xsl:if>
        <xsl:for-each select="$role/v3:patient/v3:guardian">
          <dt>Représentant</dt>
          <dd><xsl:apply-templates select="." mode="lines"/></dd>
        </xsl:for-each>
      </dl>
    </section>
  </xsl:template>

  <xsl:template name="item">
    <xsl:param name="term"/>
    <xsl:param name="words"/>
    <xsl:if test="normalize-space($words)">
      <dt><xsl:value-of select="$term"/></dt>
      <dd>
        <xsl:for-each select="$words">
          <xsl:if test="position() &gt; 1"><xsl:text> </xsl:text></xsl:if>
          <xsl:value-of select="normalize-space()"/>
        </xsl:for-each>
      </dd>
    </xsl:if>
  </xsl:template>

  <xsl:template match="v3:place" mode="birthplace">
    <xsl:if test="normalize-space()">
      <div class="line">
        <xsl:value-of select="normalize-space(v3:name)"/>
        <xsl:value-of select="normalize-space(v3:addr/v3:city)"/>
        <xsl:if test="normalize-space(v3:addr/v3:county)"> (INSEE <xsl:value-of
            select="normalize-space(v3:addr/v3:county)"/>)</xsl:if>
        <xsl:if test="normalize-space(v3:addr/v3:country)">, <xsl:value-of
            select="normalize-space(v3:addr/v3:country)"/></xsl:if>
      </div>
    </xsl:if>
  </xsl:template>

  <xsl:template match="v3:id" mode="patient">
    <xsl:if test="normalize-space(@extension)">
      <dt>
        <xsl:choose>
          <xsl:when test="@root = '1.2.250.1.213.1.4.8'">INS (NIR)</xsl:when>
          <xsl:when test="@root = '1.2.250.1.213.1.4.9'">INS (NIA)</xsl:when>
          <xsl:when test="@root = '1.2.250.1.213.1.4.10'">INS (NIR de test)</xsl:when>
          <xsl:when test="@root = '1.2.250.1.213.1.4.11'">INS (NIR de démonstration)</xsl:when>
          <xsl:otherwise>Identifiant local</xsl:otherwise>
        </xsl:choose>
      </dt>
      <dd class="id"><xsl:value-of select="@extension"/></dd>
    </xsl:if>
  </xsl:template>

  <xsl:template name="stay">
    <xsl:variable name="stay" select="v3:componentOf/v3:encompassingEncounter"/>
    <xsl:if test="$stay or v3:documentationOf">
      <section class="card">
        <h2>Prise en charge</h2>
        <dl>
          <xsl:for-each select="$stay">
            <xsl:if test="v3:code/@displayName">
              <dt>Nature</dt>
              <dd><xsl:value-of select="v3:code/@displayName"/></dd>
            </xsl:if>
            <xsl:apply-templates select="v3:effectiveTime" mode="period"/>
            <xsl:for-each select="v3:id[normalize-space(@extension)]">
              <dt>Numéro de séjour</dt>
              <dd class="id"><xsl:value-of select="@extension"/></dd>
            </xsl:for-each>
            <xsl:if test="v3:dischargeDispositionCode/@displayName">
              <dt>Sortie</dt>
              <dd><xsl:value-of select="v3:dischargeDispositionCode/@displayName"/></dd>
            </xsl:if>
            <xsl:for-each select="v3:location/v3:healthCareFacility">
              <dt>Lieu</dt>
              <dd>
                <xsl:if test="normalize-space(v3:location/v3:name)">
                  <div class="line"><xsl:value-of select="normalize-space(v3:location/v3:name)"/></div>
                </xsl:if>
                <xsl:if test="v3:code/@displayName">
                  <div class="line"><xsl:value-of select="v3:code/@displayName"/></div>
                </xsl:if>
                <xsl:apply-templates select="v3:location/v3:addr" mode="line"/>
                <xsl:apply-templates select="v3:serviceProviderOrganization" mode="organization"/>
              </dd>
            </xsl:for-each>
            <xsl:for-each select="v3:responsibleParty/v3:assignedEntity">
              <dt>Responsable</dt>
              <dd><xsl:apply-templates select="." mode="lines"/></dd>
            </xsl:for-each>
            <xsl:for-each select="v3:encounterParticipant">
              <dt><xsl:apply-templates select="." mode="role"/></dt>
              <dd><xsl:apply-templates select="v3:assignedEntity" mode="lines"/></dd>
            </xsl:for-each>
          </xsl:for-each>
          <xsl:apply-templates select="v3:documentationOf/v3:serviceEvent"/>
        </dl>
      </section>
    </xsl:if>
  </xsl:template>

  <xsl:template match="v3:serviceEvent">
    <dt>Acte documenté</dt>
    <dd>
      <xsl:if test="v3:code/@displayName">
        <div class="line"><xsl:value-of select="v3:code/@displayName"/></div>
      </xsl:if>
      <xsl:if test="v3:effectiveTime[.//@value]">
        <div class="line"><xsl:apply-templates select="v3:effectiveTime" mode="span"/></div>
      </xsl:if>
      <xsl:for-each select="v3:performer/v3:assignedEntity">
        <xsl:apply-templates select="." mode="lines"/>
      </xsl:for-each>
    </dd>
  </xsl:template>

  <xsl:template name="writers">
    <section class="card">
      <h2>Auteur et responsable</h2>
      <dl>
        <xsl:for-each select="v3:author">
          <dt>
            <xsl:choose>
              <xsl:when test="v3:functionCode/@displayName">
                <xsl:text>Auteur (</xsl:text><xsl:value-of select="v3:functionCode/@displayName"/>)</xsl:when>
              <xsl:otherwise>Auteur</xsl:otherwise>
            </xsl:choose>
          </dt>
          <dd>
            <xsl:apply-templates select="v3:assignedAuthor" mode="lines"/>
            <xsl:call-template name="on"/>
          </dd>
        </xsl:for-each>
        <xsl:for-each select="v3:legalAuthenticator">
          <dt>Responsable du document</dt>
          <dd>
            <xsl:apply-templates select="v3:assignedEntity" mode="lines"/>
            <xsl:call-template name="on"/>
          </dd>
        </xsl:for-each>
        <xsl:for-each select="v3:authenticator">
          <dt>Validé aussi par</dt>
          <dd>
            <xsl:apply-templates select="v3:assignedEntity" mode="lines"/>
            <xsl:call-template name="on"/>
          </dd>
        </xsl:for-each>
      </dl>
    </section>
  </xsl:template>

  <xsl:template name="on">
    <xsl:if test="v3:time[.//@value]">
      <div class="line">le <xsl:apply-templates select="v3:time" mode="span"/></div>
    </xsl:if>
  </xsl:template>

  <!-- the patient's own doctor first, as a participant, then among those the document is sent to -->
  <xsl:template name="readers">
    <xsl:variable name="doctor" select="v3:participant[v3:functionCode/@code = 'PCP']"/>
    <xsl:if test="$doctor or v3:informationRecipient">
      <section class="card">
        <h2>Destinataires</h2>
        <dl>
          <xsl:apply-templates select="$doctor"/>
          <xsl:apply-templates select="v3:informationRecipient[key('doctor', v3:intendedRecipient/v3:id/@extension)]"/>
          <xsl:apply-templates select="v3:informationRecipient[not(key('doctor',
              v3:intendedRecipient/v3:id/@extension))]"/>
        </dl>
      </section>
    </xsl:if>
  </xsl:template>

  <xsl:template match="v3:informationRecipient">
    <dt>Destinataire<xsl:if test="@typeCode = 'TRC'"> (copie)</xsl:if></dt>
    <dd><xsl:apply-templates select="v3:intendedRecipient" mode="lines"/></dd>
  </xsl:template>

  <xsl:template match="v3:participant">
    <dt><xsl:apply-templates select="." mode="role"/></dt>
    <dd>
      <xsl:apply-templates select="v3:associatedEntity" mode="lines"/>
      <xsl:call-template name="on"/>
    </dd>
  </xsl:template>

  <xsl:template name="others">
    <section class="card">
      <h2>Autres informations</h2>
      <dl>
        <xsl:apply-templates select="v3:participant[not(v3:functionCode/@code = 'PCP')]"/>
        <xsl:for-each select="v3:informant">
          <dt>
            <xsl:choose>
              <xsl:when test="v3:relatedEntity"><xsl:apply-templates select="v3:relatedEntity" mode="role"/></xsl:when>
              <xsl:otherwise>Informateur</xsl:otherwise>
            </xsl:choose>
          </dt>
          <dd><xsl:apply-templates select="*[self::v3:relatedEntity or self::v3:assignedEntity]" mode="lines"/></dd>
        </xsl:for-each>
        <xsl:for-each select="v3:dataEnterer">
          <dt>Saisi par</dt>
          <dd><xsl:apply-templates select="v3:assignedEntity" mode="lines"/><xsl:call-template name="on"/></dd>
        </xsl:for-each>
        <xsl:for-each select="v3:custodian/v3:assignedCustodian">
          <dt>Conservé par</dt>
          <dd><xsl:apply-templates select="." mode="lines"/></dd>
        </xsl:for-each>
        <xsl:for-each select="v3:inFulfillmentOf/v3:order">
          <dt>Répond à la demande</dt>
          <dd>
            <div class="line"><xsl:apply-templates select="v3:id[1]" mode="oid"/></div>
            <xsl:if test="v3:code/@displayName">
              <div class="line"><xsl:value-of select="v3:code/@displayName"/></div>
            </xsl:if>
          </dd>
        </xsl:for-each>
        <xsl:for-each select="v3:authorization/v3:consent[v3:code/@displayName]">
          <dt>Consentement</dt>
          <dd><xsl:value-of select="v3:code/@displayName"/></dd>
        </xsl:for-each>
      </dl>
    </section>
  </xsl:template>

  <xsl:template match="v3:effectiveTime" mode="period">
    <xsl:if test="v3:low/@value">
      <dt>Entrée</dt>
      <dd><xsl:apply-templates select="v3:low" mode="date"/></dd>
    </xsl:if>
    <xsl:if test="v3:high/@value">
      <dt>Sortie</dt>
      <dd><xsl:apply-templates select="v3:high" mode="date"/></dd>
    </xsl:if>
    <xsl:if test="@value">
      <dt>Date</dt>
      <dd><xsl:apply-templates select="." mode="date"/></dd>
    </xsl:if>
  </xsl:template>

  <!-- "3 décembre 2019", or "du … au …" -->
  <xsl:template match="*" mode="span">
    <xsl:choose>
      <xsl:when test="@value"><xsl:apply-templates select="." mode="date"/></xsl:when>
      <xsl:otherwise>
        <xsl:if test="v3:low/@value">
          <xsl:if test="v3:high/@value">du </xsl:if>
          <xsl:apply-templates select="v3:low" mode="date"/>
        </xsl:if>
        <xsl:if test="v3:high/@value">
          <xsl:choose>
            <xsl:when test="v3:low/@value"> au </xsl:when>
            <xsl:otherwise>jusqu'au </xsl:otherwise>
          </xsl:choose>
          <xsl:apply-templates select="v3:high" mode="date"/>
        </xsl:if>
        <xsl:if test="v3:center/@value"><xsl:apply-templates select="v3:center" mode="date"/></xsl:if>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template match="*" mode="date">
    <xsl:choose>
      <xsl:when test="@r:date"><time datetime="{@r:iso}"><xsl:value-of select="@r:date"/></time></xsl:when>
      <xsl:when test="@value"><xsl:value-of select="@value"/></xsl:when>
      <xsl:when test="@nullFlavor"><xsl:apply-templates select="@nullFlavor" mode="label"/></xsl:when>
    </xsl:choose>
  </xsl:template>
</xsl:stylesheet>
